"""The hand-written table: which rules a leaf of the configuration belongs to.

For each leaf (names replaced by `*`) stand another valid value and the rules whose jobs have the leaf among their settings or
whose set of inputs it changes. `FOLLOWS` says which rules read what a rule makes: they run in its wake.
"""

from __future__ import annotations

from typing import Any

FOLLOWS: dict[str, set[str]] = {
    "fetch_source": {"extract"},
    "fetch_task": {"prepare_task"},
    "prepare_task": {"decontaminate", "finetune", "zero_shot", "score_finetuned", "report"},
    "extract": {
        "train_quality",
        "score_quality",
        "flag",
        "annotate",
        "signatures",
        "decontaminate",
        "curate",
        "audit",
        "report",
    },
    "annotate": {"flag", "select", "audit"},
    "flag": {"select"},
    "train_quality": {"score_quality", "report"},
    "score_quality": {"select"},
    "signatures": {"deduplicate"},
    "select": {"deduplicate", "decontaminate", "curate", "audit"},
    "deduplicate": {"curate", "audit", "report"},
    "decontaminate": {"curate", "audit", "report"},
    "curate": {"overlap", "audit", "tokenizer", "shard", "report"},
    "overlap": {"audit"},
    "audit": {"report"},
    "tokenizer": {"shard", "plan", "pretrain", "bits_per_byte", "report"},
    "shard": {"order", "plan", "pretrain", "bits_per_byte"},
    "order": {"plan", "pretrain"},
    "plan": {"pretrain", "report"},
    "pretrain": {"bits_per_byte", "finetune", "zero_shot", "report"},
    "bits_per_byte": {"report"},
    "finetune": {"score_finetuned", "report"},
    "zero_shot": {"report"},
    "score_finetuned": {"report"},
    "report": set(),
}

LEAVES: dict[str, tuple[Any, set[str]]] = {
    "seed": (
        7,
        {
            "signatures",
            "curate",
            "tokenizer",
            "plan",
            "pretrain",
            "bits_per_byte",
            "finetune",
            "zero_shot",
            "score_finetuned",
        },
    ),
    "downloads.offline": (True, set()),
    "downloads.allow_hosts": (["mirror.test"], set()),
    "downloads.connections": (2, set()),
    "downloads.max_bytes": (1000, set()),
    "downloads.max_seconds": (60, set()),
    "downloads.bytes_per_second": (1000, set()),
    "signatures.shingle": (7, {"signatures"}),
    "signatures.permutations": (256, {"signatures"}),
    "sources.*.kind": ("text", {"extract"}),
    "sources.*.origin": ("elsewhere", {"report"}),
    "sources.*.language": ("de", {"extract"}),
    "sources.*.license": ("CC0-1.0", {"extract"}),
    "sources.*.parts": (3, {"fetch_source", "deduplicate", "overlap", "order", "audit"}),
    "sources.*.package.registry": ("debian", {"fetch_source"}),
    "sources.*.package.name": ("other", {"fetch_source"}),
    "sources.*.package.version": ("9.9", {"fetch_source"}),
    "sources.*.package.form": ("sdist", {"fetch_source"}),
    "sources.*.files": ([{"path": "*.a", "sha256": None}, {"path": "*.b", "sha256": None}], {"fetch_source"}),
    "sources.*.crawl": ({"snapshot": "CC-MAIN-2024-10"}, {"fetch_source", "extract"}),
    "sources.*.dump": ({"language": "simple", "date": "20240101"}, {"fetch_source"}),
    "sources.*.dataset": ({"name": "config.yaml"}, {"fetch_source", "extract"}),
    "sources.*.options": ({"namespaces": [0, 4]}, {"extract"}),
    "sources.*.max_quarantined": (0.5, {"extract"}),
    "corpora.*.sources": ("reversed", {"deduplicate", "report"}),
    "corpora.*.filters.families": (["length", "c4"], {"select"}),
    "corpora.*.filters.thresholds": ({"gopher_repetition.max_top_2_gram": 0.3}, {"select"}),
    "corpora.*.filters.languages": (["de"], {"select"}),
    "corpora.*.filters.overrides": (
        [{"sources": None, "languages": ["de"], "families": ["length"], "thresholds": {}, "line_edits": None}],
        {"select"},
    ),
    # The lists are looked at where the family `url` is used, which the default run does not.
    "corpora.*.filters.url_lists.domains": (None, {"select"}),
    "corpora.*.filters.url_lists.urls": (None, {"select"}),
    "corpora.*.filters.url_lists.words": (None, {"select"}),
    "corpora.*.filters.url_lists.soft_words": (None, {"select"}),
    "corpora.*.filters.url_lists.substrings": (None, {"select"}),
    "corpora.*.filters.lexicons": (None, {"flag", "select"}),  # nor does it use the family `lexicon`
    "corpora.*.filters.line_edits": (["c4"], {"curate"}),
    "corpora.*.deduplicate.exact": (False, {"deduplicate"}),
    "corpora.*.deduplicate.near.bands": (8, {"deduplicate"}),
    "corpora.*.deduplicate.near.rows": (4, {"deduplicate"}),
    "corpora.*.deduplicate.near.similarity": (0.8, {"deduplicate"}),
    "corpora.*.deduplicate.paragraphs": ({"minimum_characters": 200}, {"deduplicate"}),
    "corpora.*.decontaminate.tasks": ("other task", {"decontaminate"}),
    "corpora.*.decontaminate.ngram": (9, {"decontaminate", "overlap"}),
    "corpora.*.decontaminate.minimum_words": (9, {"decontaminate", "overlap"}),
    "corpora.*.decontaminate.sentence_words": (6, {"decontaminate", "overlap"}),
    "corpora.*.decontaminate.remove": ("spans", {"decontaminate"}),
    "corpora.*.audit.max_removal_ratio": (5, {"audit"}),
    "corpora.*.audit.minimum_mentions": (50, {"audit"}),
    "corpora.*.audit.minimum_documents": (2, {"audit"}),
    "corpora.*.audit.max_overlap": (0.5, {"audit"}),
    "corpora.*.pii": (["email"], {"curate"}),
    "corpora.*.split.validation": (0.07, {"curate"}),
    "corpora.*.split.test": (0.01, {"curate"}),
    "corpora.*.filters.quality": ({"classifier": "prose"}, {"train_quality", "score_quality", "select"}),
    "tasks.*.kind": ("boolq", {"prepare_task", "zero_shot", "score_finetuned"}),
    "tasks.*.origin": ("elsewhere", set()),
    "tasks.*.license": ("CC0-1.0", set()),
    "tasks.*.package": (None, set()),  # null for the generated set, which takes none
    "tasks.*.package.registry": ("debian", {"fetch_task"}),
    "tasks.*.package.name": ("other", {"fetch_task"}),
    "tasks.*.package.version": ("9.9", {"fetch_task"}),
    "tasks.*.package.form": ("other form", {"fetch_task"}),
    "tasks.*.files": ([{"path": "*.a", "sha256": None}], {"fetch_task"}),
    "evaluation.documents": (7, {"bits_per_byte"}),
    "evaluation.minimum_improvement": (0.2, {"bits_per_byte"}),
    "evaluation.zero_shot": (["boolq"], {"report"}),
    "evaluation.items": (50, {"zero_shot", "score_finetuned"}),
    "tokenizers.*.corpus": ("parliaments", {"tokenizer"}),
    "tokenizers.*.algorithm": (None, {"tokenizer"}),
    "tokenizers.*.vocabulary": (1000, {"tokenizer"}),
    "tokenizers.*.sample_bytes": (1_000_000, {"tokenizer"}),
    "tokenizers.*.character_coverage": (0.99, {"tokenizer"}),
    "models.*.corpus": ("parliaments", {"shard", "order", "plan", "pretrain", "bits_per_byte"}),
    "models.*.tokenizer": ("second", {"tokenizer", "shard", "order", "plan", "pretrain", "bits_per_byte"}),
    "models.*.objective": ("causal", {"plan", "pretrain", "bits_per_byte", "finetune", "zero_shot", "score_finetuned"}),
    "models.*.weights": ({"books": 2.0}, {"plan", "pretrain"}),
    "models.*.max_epochs": (5, {"plan"}),
    "models.*.architecture.family": ("gpt2", {"plan", "pretrain"}),
    "models.*.architecture.layers": (3, {"plan", "pretrain"}),
    "models.*.architecture.width": (96, {"plan", "pretrain"}),
    "models.*.architecture.heads": (2, {"plan", "pretrain"}),
    "models.*.architecture.key_value_heads": (4, {"plan", "pretrain"}),
    "models.*.architecture.feed_forward": (256, {"plan", "pretrain"}),
    "models.*.architecture.context": (512, {"plan", "pretrain"}),
    "models.*.architecture.dropout": (0.1, {"plan", "pretrain"}),
    "models.*.architecture.tied_embeddings": (False, {"plan", "pretrain"}),
    "models.*.architecture.vocabulary_multiple": (64, {"plan", "pretrain"}),
    "models.*.architecture.initial_deviation": (0.01, {"plan", "pretrain"}),
    "models.*.architecture.rope_theta": (5000, {"plan", "pretrain"}),
    "models.*.training.steps": (400, {"plan", "pretrain"}),
    "models.*.training.sequence_length": (128, {"plan", "pretrain"}),
    "models.*.training.global_batch": (4, {"plan", "pretrain"}),
    "models.*.training.precision": ("bf16-autocast", {"plan", "pretrain"}),
    "models.*.training.gradient_clipping": (0.5, {"plan", "pretrain"}),
    "models.*.training.evaluate_every": (50, {"plan", "pretrain"}),
    "models.*.training.evaluate_sequences": (32, {"plan", "pretrain"}),
    "models.*.training.checkpoint_every": (50, {"plan", "pretrain"}),
    "models.*.training.masked_share": (0.2, {"plan", "pretrain", "bits_per_byte"}),
    "models.*.training.optimizer.learning_rate": (1e-3, {"plan", "pretrain"}),
    "models.*.training.optimizer.betas": ([0.9, 0.99], {"plan", "pretrain"}),
    "models.*.training.optimizer.epsilon": (1e-6, {"plan", "pretrain"}),
    "models.*.training.optimizer.weight_decay": (0.05, {"plan", "pretrain"}),
    "models.*.training.schedule.decay": ("linear", {"plan", "pretrain"}),
    "models.*.training.schedule.warmup": (10, {"plan", "pretrain"}),
    "models.*.training.schedule.final": (0.2, {"plan", "pretrain"}),
    "finetunings.*.models": (["gpt2"], {"finetune", "score_finetuned", "report"}),
    "finetunings.*.tasks": (2.0, {"finetune"}),
    "finetunings.*.minimum_improvement": (0.01, {"finetune"}),
    "finetunings.*.training.steps": (200, {"finetune"}),
    "finetunings.*.training.batch": (8, {"finetune"}),
    "finetunings.*.training.gradient_clipping": (0.5, {"finetune"}),
    "finetunings.*.training.evaluate_every": (25, {"finetune"}),
    "finetunings.*.training.validation_items": (50, {"finetune"}),
    "finetunings.*.training.checkpoint_every": (50, {"finetune"}),
    "finetunings.*.training.optimizer.learning_rate": (2e-3, {"finetune"}),
    "finetunings.*.training.optimizer.betas": ([0.9, 0.99], {"finetune"}),
    "finetunings.*.training.optimizer.epsilon": (1e-6, {"finetune"}),
    "finetunings.*.training.optimizer.weight_decay": (0.05, {"finetune"}),
    "finetunings.*.training.schedule.decay": ("exponential", {"finetune"}),
    "finetunings.*.training.schedule.warmup": (20, {"finetune"}),
    "finetunings.*.training.schedule.final": (0.2, {"finetune"}),
}

# The default configuration has no classifier of quality; these are the leaves of one that has.
QUALITY_LEAVES: dict[str, tuple[Any, set[str]]] = {
    "classifiers.*.positive": (["books"], {"train_quality"}),
    "classifiers.*.negative": (["abstracts", "social"], {"train_quality"}),
    "classifiers.*.ngrams": (1, {"train_quality"}),
    "classifiers.*.buckets": (4096, {"train_quality"}),
    "classifiers.*.words": (200, {"train_quality"}),
    "classifiers.*.documents": (5000, {"train_quality"}),
    "classifiers.*.held_out": (0.3, {"train_quality"}),
    "classifiers.*.regularisation": (1e-4, {"train_quality"}),
    "classifiers.*.epochs": (7, {"train_quality"}),
    "corpora.*.filters.quality.classifier": ("second", {"train_quality", "score_quality", "select"}),
    "corpora.*.filters.quality.minimum": (0.7, {"select"}),
    "corpora.*.filters.quality.pareto": (5, {"select"}),
    "corpora.*.filters.quality.sources": (["web"], {"select"}),
}
QUALITY_RULES = {"train_quality", "score_quality"}
LEXICON_RULES = {"flag"}

# Nor has it a lexicon; these are the leaves of one that has.
LEXICON_LEAVES: dict[str, tuple[Any, set[str]]] = {
    "lexicons.*.files": (None, {"flag"}),  # the test gives them other lists
    "lexicons.*.languages": (None, {"flag"}),
    "corpora.*.filters.lexicons": (None, {"flag", "select"}),
}


def closure(rules: set[str]) -> set[str]:
    """Return the rules and all that run in their wake."""
    found: set[str] = set()
    queue = list(rules)
    while queue:
        rule = queue.pop()
        if rule not in found:
            found.add(rule)
            queue.extend(FOLLOWS[rule])
    return found

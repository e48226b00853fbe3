"""The hand-written table: which rules a leaf of the configuration belongs to.

For each leaf (names replaced by `*`) stand another valid value and the rules whose jobs have the leaf among their settings or
whose set of inputs it changes. `FOLLOWS` says which rules read what a rule makes: they run in its wake.
"""

from __future__ import annotations

from typing import Any

FOLLOWS: dict[str, set[str]] = {
    "fetch": {"extract"},
    "fetch_task": {"prepare_task"},
    "prepare_task": {"decontaminate", "report"},
    "extract": {"annotate", "signatures", "decontaminate", "curate", "audit", "report"},
    "annotate": {"select", "audit"},
    "signatures": {"deduplicate"},
    "select": {"deduplicate", "decontaminate", "curate", "audit"},
    "deduplicate": {"curate", "audit", "report"},
    "decontaminate": {"curate", "audit", "report"},
    "curate": {"audit", "tokenizer", "shard", "report"},
    "audit": {"report"},
    "tokenizer": {"shard", "plan", "pretrain", "bits_per_byte", "report"},
    "shard": {"order", "plan", "pretrain", "bits_per_byte"},
    "order": {"plan", "pretrain"},
    "plan": {"pretrain", "report"},
    "pretrain": {"bits_per_byte", "report"},
    "bits_per_byte": {"report"},
    "report": set(),
}

LEAVES: dict[str, tuple[Any, set[str]]] = {
    "seed": (7, {"signatures", "curate", "tokenizer", "plan", "pretrain", "bits_per_byte"}),
    "signatures.shingle": (7, {"signatures"}),
    "signatures.permutations": (256, {"signatures"}),
    "sources.*.kind": ("text", {"extract"}),
    "sources.*.origin": ("elsewhere", {"report"}),
    "sources.*.language": ("de", {"extract"}),
    "sources.*.license": ("CC0-1.0", {"extract"}),
    "sources.*.parts": (3, {"fetch", "deduplicate", "order", "audit"}),
    "sources.*.package.registry": ("debian", {"fetch"}),
    "sources.*.package.name": ("other", {"fetch"}),
    "sources.*.package.version": ("9.9", {"fetch"}),
    "sources.*.package.form": ("sdist", {"fetch"}),
    "sources.*.files": ([{"path": "*.a", "sha256": None}, {"path": "*.b", "sha256": None}], {"fetch"}),
    "sources.*.options": ({"namespaces": [0, 4]}, {"extract"}),
    "sources.*.max_quarantined": (0.5, {"extract"}),
    "corpora.*.sources": ("reversed", {"deduplicate", "report"}),
    "corpora.*.filters.families": (["length", "c4"], {"select"}),
    "corpora.*.filters.thresholds": ({"gopher_repetition.max_top_2_gram": 0.3}, {"select"}),
    "corpora.*.filters.languages": (["de"], {"select"}),
    "corpora.*.deduplicate.exact": (False, {"deduplicate"}),
    "corpora.*.deduplicate.near.bands": (8, {"deduplicate"}),
    "corpora.*.deduplicate.near.rows": (4, {"deduplicate"}),
    "corpora.*.deduplicate.near.similarity": (0.8, {"deduplicate"}),
    "corpora.*.decontaminate.tasks": ("other task", {"decontaminate"}),
    "corpora.*.decontaminate.ngram": (9, {"decontaminate"}),
    "corpora.*.decontaminate.minimum_words": (9, {"decontaminate"}),
    "corpora.*.audit.max_removal_ratio": (5, {"audit"}),
    "corpora.*.audit.minimum_mentions": (50, {"audit"}),
    "corpora.*.audit.minimum_documents": (2, {"audit"}),
    "corpora.*.pii": (["email"], {"curate"}),
    "corpora.*.split.validation": (0.07, {"curate"}),
    "corpora.*.split.test": (0.01, {"curate"}),
    "tasks.*.kind": ("stereoset", {"prepare_task"}),
    "tasks.*.origin": ("elsewhere", set()),
    "tasks.*.license": ("CC0-1.0", set()),
    "tasks.*.package.registry": ("debian", {"fetch_task"}),
    "tasks.*.package.name": ("other", {"fetch_task"}),
    "tasks.*.package.version": ("9.9", {"fetch_task"}),
    "tasks.*.package.form": ("other form", {"fetch_task"}),
    "tasks.*.files": ([{"path": "*.a", "sha256": None}], {"fetch_task"}),
    "evaluation.documents": (7, {"bits_per_byte"}),
    "evaluation.minimum_improvement": (0.2, {"bits_per_byte"}),
    "tokenizers.*.corpus": ("parliaments", {"tokenizer"}),
    "tokenizers.*.algorithm": (None, {"tokenizer"}),
    "tokenizers.*.vocabulary": (1000, {"tokenizer"}),
    "tokenizers.*.sample_bytes": (1_000_000, {"tokenizer"}),
    "tokenizers.*.character_coverage": (0.99, {"tokenizer"}),
    "models.*.corpus": ("parliaments", {"shard", "order", "plan", "pretrain", "bits_per_byte"}),
    "models.*.tokenizer": ("second", {"tokenizer", "shard", "order", "plan", "pretrain", "bits_per_byte"}),
    "models.*.objective": ("masked", {"plan", "pretrain", "bits_per_byte"}),
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
    "models.*.training.global_batch": (8, {"plan", "pretrain"}),
    "models.*.training.precision": ("bf16-autocast", {"plan", "pretrain"}),
    "models.*.training.gradient_clipping": (0.5, {"plan", "pretrain"}),
    "models.*.training.evaluate_every": (50, {"plan", "pretrain"}),
    "models.*.training.evaluate_sequences": (64, {"plan", "pretrain"}),
    "models.*.training.checkpoint_every": (50, {"plan", "pretrain"}),
    "models.*.training.masked_share": (0.2, {"plan", "pretrain", "bits_per_byte"}),
    "models.*.training.optimizer.learning_rate": (1e-3, {"plan", "pretrain"}),
    "models.*.training.optimizer.betas": ([0.9, 0.99], {"plan", "pretrain"}),
    "models.*.training.optimizer.epsilon": (1e-6, {"plan", "pretrain"}),
    "models.*.training.optimizer.weight_decay": (0.05, {"plan", "pretrain"}),
    "models.*.training.schedule.decay": ("linear", {"plan", "pretrain"}),
    "models.*.training.schedule.warmup": (10, {"plan", "pretrain"}),
    "models.*.training.schedule.final": (0.2, {"plan", "pretrain"}),
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

"""Groundwork: from raw text to an evaluated language model.

`snakemake` builds everything that config.yaml names; `snakemake corpus-main` one corpus, and so on (see `snakemake -l`).
"""


include: "rules/common.smk"


rule all:
    input:
        targets.everything(),
    message:
        "Everything that the configuration names is made"


include: "rules/targets.smk"
include: "rules/sources.smk"
include: "rules/tasks.smk"
include: "rules/classifiers.smk"
include: "rules/duplicates.smk"
include: "rules/contamination.smk"
include: "rules/cleaning.smk"
include: "rules/audit.smk"
include: "rules/tokenizer.smk"
include: "rules/shards.smk"
include: "rules/pretraining.smk"
include: "rules/finetuning.smk"
include: "rules/evaluation.smk"
include: "rules/report.smk"

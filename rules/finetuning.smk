# Fine-tuning: a pretrained model learns several tasks at once.
#
# Reads   results/models/{model}/, results/tasks/{task}/items
# Writes  results/finetuned/{model}/{finetuning}/model.json, export/, metrics.jsonl
# Config  seed, finetunings.{finetuning}, models.{model}.objective


rule finetune:
    input:
        model="results/models/{model}/model.json",
        tasks=lambda w: finetuning_tasks(w, "items.json"),
        export=ancient("results/models/{model}/export"),
        task_data=lambda w: ancient(finetuning_tasks(w, "items.parquet")),
    output:
        manifest="results/finetuned/{model}/{finetuning}/model.json",
        provenance="results/finetuned/{model}/{finetuning}/model.provenance.json",
        export=directory("results/finetuned/{model}/{finetuning}/export"),
        metrics="results/finetuned/{model}/{finetuning}/metrics.jsonl",
    log:
        "results/logs/finetune/{model}/{finetuning}.log",
    benchmark:
        "results/benchmarks/finetune/{model}/{finetuning}.tsv"
    priority: 3  # before the scores beside it, but two of them count less than a pretraining's 10
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        settings=lambda w: finetuning_settings(w),
        code=code_digest("scripts.finetuning.train"),
        environment=TRAINING,
    message:
        "Fine-tuning model {wildcards.model}: {wildcards.finetuning}"
    shell:
        "python -m scripts.finetuning.train"
        " --model {input.model:q}"
        " --tasks {input.tasks:q}"
        " --checkpoints results/checkpoints"
        " --threads {threads}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

# Evaluation: scores of trained models on held-out text, each with an interval and a baseline.
#
# Reads   results/models/{model}/, results/finetuned/{model}/{finetuning}/, results/tasks/{task}/items,
#         results/shards/{corpus}/{tokenizer}/, results/tokenizers/{tokenizer}
# Writes  results/evaluations/{model}/bits_per_byte.json and .scores.json
#         results/evaluations/{model}/zero_shot/{task}.json and .items.parquet
#         results/evaluations/{model}/finetuned/{finetuning}/{task}.json and .items.parquet
# Config  seed, evaluation, models.{model}.objective, tasks.{task}.kind


rule bits_per_byte:
    input:
        model="results/models/{model}/model.json",
        tokenizer=lambda w: f"results/tokenizers/{registry.model(w.model)['tokenizer']}.json",
        shards=lambda w: model_shards(w, "{part}.json"),
        orders=lambda w: model_shards(w, "order.json"),
        export=ancient("results/models/{model}/export"),
        tokenizer_data=lambda w: ancient(
            f"results/tokenizers/{registry.model(w.model)['tokenizer']}"
        ),
        shard_data=lambda w: ancient(
            [
                path
                for split in SPLITS
                for suffix in SHARD_SUFFIXES
                for path in model_shards(w, f"{{part}}.{split}.{suffix}")
            ]
        ),
        order_data=lambda w: ancient(
            [
                path
                for split in SPLITS
                for path in model_shards(w, f"order.{split}.npy")
            ]
        ),
    output:
        manifest="results/evaluations/{model}/bits_per_byte.json",
        provenance="results/evaluations/{model}/bits_per_byte.provenance.json",
        scores="results/evaluations/{model}/bits_per_byte.scores.json",
    log:
        "results/logs/bits_per_byte/{model}.log",
    benchmark:
        "results/benchmarks/bits_per_byte/{model}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1  # a window at a time is too little work for two
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        settings=lambda w: settings(
            model=w.model,
            seed=registry.seed,
            objective=registry.model(w.model)["objective"],
            masked_share=registry.model(w.model)["training"]["masked_share"],
            documents=registry.config["evaluation"]["documents"],
            minimum_improvement=registry.config["evaluation"]["minimum_improvement"],
        ),
        code=code_digest("scripts.evaluation.bits_per_byte"),
        environment=TRAINING,
    message:
        "Scoring model {wildcards.model} on held-out documents"
    shell:
        "python -m scripts.evaluation.bits_per_byte"
        " --model {input.model:q}"
        " --tokenizer {input.tokenizer:q}"
        " --shards {input.shards:q}"
        " --orders {input.orders:q}"
        " --threads {threads}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule zero_shot:
    input:
        model="results/models/{model}/model.json",
        task="results/tasks/{task}/items.json",
        export=ancient("results/models/{model}/export"),
        task_data=ancient("results/tasks/{task}/items.parquet"),
    output:
        manifest="results/evaluations/{model}/zero_shot/{task}.json",
        provenance="results/evaluations/{model}/zero_shot/{task}.provenance.json",
        scored="results/evaluations/{model}/zero_shot/{task}.items.parquet",
    log:
        "results/logs/zero_shot/{model}/{task}.log",
    benchmark:
        "results/benchmarks/zero_shot/{model}/{task}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        settings=lambda w: task_settings(w, finetuning=None),
        code=code_digest("scripts.evaluation.score_task"),
        environment=TRAINING,
    message:
        "Scoring model {wildcards.model} on {wildcards.task} without training on it"
    shell:
        "python -m scripts.evaluation.score_task"
        " --model {input.model:q}"
        " --task {input.task:q}"
        " --threads {threads}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule score_finetuned:
    input:
        model="results/finetuned/{model}/{finetuning}/model.json",
        task="results/tasks/{task}/items.json",
        export=ancient("results/finetuned/{model}/{finetuning}/export"),
        task_data=ancient("results/tasks/{task}/items.parquet"),
    output:
        manifest="results/evaluations/{model}/finetuned/{finetuning}/{task}.json",
        provenance="results/evaluations/{model}/finetuned/{finetuning}/{task}.provenance.json",
        scored="results/evaluations/{model}/finetuned/{finetuning}/{task}.items.parquet",
    log:
        "results/logs/score_finetuned/{model}/{finetuning}/{task}.log",
    benchmark:
        "results/benchmarks/score_finetuned/{model}/{finetuning}/{task}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        settings=lambda w: task_settings(w, finetuning=w.finetuning),
        code=code_digest("scripts.evaluation.score_task"),
        environment=TRAINING,
    message:
        "Scoring model {wildcards.model} on {wildcards.task} after fine-tuning {wildcards.finetuning}"
    shell:
        "python -m scripts.evaluation.score_task"
        " --model {input.model:q}"
        " --task {input.task:q}"
        " --threads {threads}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

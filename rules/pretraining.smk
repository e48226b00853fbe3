# Pretraining: what a model will cost and see, then its training to a Hugging Face folder.
#
# Reads   results/shards/{corpus}/{tokenizer}/, results/tokenizers/{tokenizer}
# Writes  results/models/{model}/plan.json
#         results/models/{model}/model.json, export/, metrics.jsonl, samples.json
# Config  seed, models.{model}


rule plan:
    input:
        tokenizer=lambda w: f"results/tokenizers/{registry.model(w.model)['tokenizer']}.json",
        shards=lambda w: model_shards(w, "{part}.json"),
        orders=lambda w: model_shards(w, "order.json"),
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
        tokenizer_data=lambda w: ancient(
            f"results/tokenizers/{registry.model(w.model)['tokenizer']}"
        ),
    output:
        manifest="results/models/{model}/plan.json",
        provenance="results/models/{model}/plan.provenance.json",
    log:
        "results/logs/plan/{model}.log",
    benchmark:
        "results/benchmarks/plan/{model}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda w: model_settings(w),
        code=code_digest("scripts.pretraining.plan"),
        environment=TRAINING,
    message:
        "Planning model {wildcards.model}"
    shell:
        "python -m scripts.pretraining.plan"
        " --tokenizer {input.tokenizer:q}"
        " --shards {input.shards:q}"
        " --orders {input.orders:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


# The plan comes first so that what it refuses is never trained; it is no part of what is learned.
# SIGTERM, SIGUSR1 and the walltime (0: as Slurm says, or none) make it save and exit with 75; a retry goes on from there.
rule pretrain:
    input:
        plan="results/models/{model}/plan.json",
        tokenizer=lambda w: f"results/tokenizers/{registry.model(w.model)['tokenizer']}.json",
        shards=lambda w: model_shards(w, "{part}.json"),
        orders=lambda w: model_shards(w, "order.json"),
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
        tokenizer_data=lambda w: ancient(
            f"results/tokenizers/{registry.model(w.model)['tokenizer']}"
        ),
    output:
        manifest="results/models/{model}/model.json",
        provenance="results/models/{model}/model.provenance.json",
        export=directory("results/models/{model}/export"),
        metrics="results/models/{model}/metrics.jsonl",
        samples="results/models/{model}/samples.json",
    log:
        "results/logs/pretrain/{model}.log",
    benchmark:
        "results/benchmarks/pretrain/{model}.tsv"
    priority: 10  # the long jobs that fill the machine first, so that the short ones share it afterwards
    conda:
        "../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=6000,
        runtime=1440,
        processes=2,
        micro_batch_tokens=1024,
        keep_last=2,
        keep_every=0,
        timeout_minutes=30,
        walltime_minutes=0,
    params:
        settings=lambda w: model_settings(w, "max_epochs"),
        code=code_digest("scripts.pretraining.train"),
        environment=TRAINING,
    message:
        "Pretraining model {wildcards.model}"
    shell:
        "python -m scripts.pretraining.train"
        " --tokenizer {input.tokenizer:q}"
        " --shards {input.shards:q}"
        " --orders {input.orders:q}"
        " --checkpoints results/checkpoints"
        " --processes {resources.processes}"
        " --micro-batch-tokens {resources.micro_batch_tokens}"
        " --keep-last {resources.keep_last}"
        " --keep-every {resources.keep_every}"
        " --timeout-minutes {resources.timeout_minutes}"
        " --walltime-minutes {resources.walltime_minutes}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

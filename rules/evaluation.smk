# Evaluation: scores of trained models on held-out text, each with an interval and a baseline.
#
# Reads   results/models/{model}/, results/shards/{corpus}/{tokenizer}/, results/tokenizers/{tokenizer}
# Writes  results/evaluations/{model}/bits_per_byte.json and .scores.json
# Config  seed, models.{model}


rule bits_per_byte:
    input:
        model="results/models/{model}/model.json",
        tokenizer=lambda w: f"results/tokenizers/{registry.model(w.model)['tokenizer']}.json",
        shards=lambda w: model_shards(w, "{part}.json"),
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
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        settings=lambda w: settings(
            model=w.model,
            seed=registry.seed,
            objective=registry.model(w.model)["objective"],
            masked_share=registry.model(w.model)["training"]["masked_share"],
            **registry.config["evaluation"],
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
        " --threads {threads}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

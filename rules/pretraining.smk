# Pretraining: what a model will cost and see, then its training to a Hugging Face folder.
#
# Reads   results/shards/{corpus}/{tokenizer}/, results/tokenizers/{tokenizer}
#         results/models/{trunk}/steps/{step} for a model that starts from a step of another one
# Writes  results/models/{model}/plan.json
#         results/models/{model}/model.json, export/, metrics.jsonl, samples.json
#         results/models/{model}/steps/{step}
# Config  seed, models.{model}


MODEL_INPUTS = {
    "tokenizer": lambda w: f"results/tokenizers/{registry.model(w.model)['tokenizer']}.json",
    "shards": lambda w: model_shards(w, "{part}.json"),
    "orders": lambda w: model_shards(w, "order.json"),
    "packings": lambda w: model_packings(w, ".json"),
    "shard_data": lambda w: ancient(
        [
            path
            for split in SPLITS
            for suffix in SHARD_SUFFIXES
            for path in model_shards(w, f"{{part}}.{split}.{suffix}")
        ]
    ),
    "order_data": lambda w: ancient(
        [path for split in SPLITS for path in model_shards(w, f"order.{split}.npy")]
    ),
    "packing_data": lambda w: ancient(
        [path for kind in PACKING_KINDS for path in model_packings(w, f".{kind}.npy")]
    ),
    "tokenizer_data": lambda w: ancient(
        f"results/tokenizers/{registry.model(w.model)['tokenizer']}"
    ),
}

# The state that a branch starts from; nothing for a model from scratch.
TRUNK_INPUTS = {
    "trunk": lambda w: [f"{path}.json" for path in registry.trunk_state(w.model)],
    "trunk_data": lambda w: ancient(registry.trunk_state(w.model)),
}


rule plan:
    input:
        **MODEL_INPUTS,
        trunk=lambda w: trunk_plan(w),
    output:
        manifest="results/models/{model}/plan.json",
        provenance="results/models/{model}/plan.provenance.json",
    log:
        "results/logs/plan/{model}.log",
    benchmark:
        "results/benchmarks/plan/{model}.tsv"
    priority: 20
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
        " --packings {input.packings:q}"
        " --trunk {input.trunk:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


# The plan comes first so that what it refuses is never trained; it is no part of what is learned. What the device of the
# profile cannot hold is refused by a forecast, which is no part of the program that trains: nothing is trained anew for it.
# SIGTERM, SIGUSR1 and the walltime (0: as Slurm says, or none) make it save and exit with 75; a retry goes on from there.
rule pretrain:
    input:
        **MODEL_INPUTS,
        **TRUNK_INPUTS,
        after="results/models/{model}/plan.json",
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
        nodes=1,
        processes=2,
        micro_batch_tokens=1024,
        zero_stage=0,
        tensor_parallel=1,
        pipeline_parallel=1,
        sequence_parallel=1,
        checkpointing=0,
        offload=0,
        compile=0,
        device="none",
        keep_last=2,
        keep_every=0,
        keep_steps=lambda w: registry.kept_steps(w.model),
        timeout_minutes=30,
        walltime_minutes=0,
    params:
        settings=lambda w: model_settings(w, "max_epochs", "epoch_caps", "token_budget"),
        code=code_digest("scripts.pretraining.train"),
        environment=TRAINING,
    message:
        "Pretraining model {wildcards.model}"
    shell:
        "told=$(python -m scripts.pretraining.forecast"
        " --options"
        " --device {resources.device:q}"
        " --devices {resources.processes}"
        " --machines {resources.nodes}"
        " --zero-stage {resources.zero_stage}"
        " --tensor {resources.tensor_parallel}"
        " --pipeline {resources.pipeline_parallel}"
        " --sequence {resources.sequence_parallel}"
        " --checkpointing {resources.checkpointing}"
        " --offload {resources.offload}"
        " --micro-batch-tokens {resources.micro_batch_tokens}"
        " --tokenizer {input.tokenizer:q}"
        " --settings {params.settings:q}"
        " 2> {log:q})"
        " && python -m scripts.pretraining.train"
        " --tokenizer {input.tokenizer:q}"
        " --shards {input.shards:q}"
        " --orders {input.orders:q}"
        " --packings {input.packings:q}"
        " --trunk {input.trunk:q}"
        " --checkpoints results/checkpoints"
        " --machines {resources.nodes}"
        " --processes {resources.processes}"
        " --micro-batch-tokens {resources.micro_batch_tokens}"
        " --zero-stage {resources.zero_stage}"
        " --tensor {resources.tensor_parallel}"
        " --pipeline {resources.pipeline_parallel}"
        " --sequence {resources.sequence_parallel}"
        " --checkpointing {resources.checkpointing}"
        " --offload {resources.offload}"
        " --compile {resources.compile}"
        " --keep-last {resources.keep_last}"
        " --keep-every {resources.keep_every}"
        " --keep-steps {resources.keep_steps}"
        " $told"
        " --timeout-minutes {resources.timeout_minutes}"
        " --walltime-minutes {resources.walltime_minutes}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2>> {log:q}"


# The state after a step that others start from. It comes after the model, whose run keeps the checkpoints of such steps, so that
# nothing is trained twice; for a step that was not kept the same recipe is trained up to it from the newest checkpoint before it.
# The model's own manifest is no input of the program: the recipe and its folder of checkpoints are those of `pretrain`.
rule branch_point:
    input:
        **MODEL_INPUTS,
        **TRUNK_INPUTS,
        after="results/models/{model}/model.json",
    output:
        manifest="results/models/{model}/steps/{step}.json",
        provenance="results/models/{model}/steps/{step}.provenance.json",
        state=directory("results/models/{model}/steps/{step}"),
    log:
        "results/logs/branch_point/{model}/{step}.log",
    benchmark:
        "results/benchmarks/branch_point/{model}/{step}.tsv"
    priority: 10
    conda:
        "../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=6000,
        runtime=1440,
        nodes=1,
        processes=2,
        micro_batch_tokens=1024,
        zero_stage=0,
        tensor_parallel=1,
        pipeline_parallel=1,
        sequence_parallel=1,
        checkpointing=0,
        offload=0,
        compile=0,
        timeout_minutes=30,
        walltime_minutes=0,
    params:
        settings=lambda w: model_settings(w, "max_epochs", "epoch_caps", "token_budget"),
        code=code_digest("scripts.pretraining.train"),
        environment=TRAINING,
    message:
        "Reading step {wildcards.step} of model {wildcards.model}"
    shell:
        "python -m scripts.pretraining.train"
        " --until {wildcards.step}"
        " --tokenizer {input.tokenizer:q}"
        " --shards {input.shards:q}"
        " --orders {input.orders:q}"
        " --packings {input.packings:q}"
        " --trunk {input.trunk:q}"
        " --checkpoints results/checkpoints"
        " --machines {resources.nodes}"
        " --processes {resources.processes}"
        " --micro-batch-tokens {resources.micro_batch_tokens}"
        " --zero-stage {resources.zero_stage}"
        " --tensor {resources.tensor_parallel}"
        " --pipeline {resources.pipeline_parallel}"
        " --sequence {resources.sequence_parallel}"
        " --checkpointing {resources.checkpointing}"
        " --offload {resources.offload}"
        " --compile {resources.compile}"
        " --timeout-minutes {resources.timeout_minutes}"
        " --walltime-minutes {resources.walltime_minutes}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

# Shards: curated documents as token ids in Megatron's indexed format, and the order of a source's documents.
#
# Reads   results/corpora/{corpus}/documents/, results/tokenizers/{tokenizer}/
# Writes  results/shards/{corpus}/{tokenizer}/{source}/{part}.{split}.bin, .idx and .keys
#         results/shards/{corpus}/{tokenizer}/{source}/order.{split}.npy
#         results/shards/{corpus}/{tokenizer}/{source}/pack-{length}.{pieces,samples,offsets}.npy, for models that pack
# Config  none of its own; models.{model}.training.packing and sequence_length decide on packings


rule shard:
    input:
        documents="results/corpora/{corpus}/documents/{source}/{part}.json",
        tokenizer="results/tokenizers/{tokenizer}.json",
        document_data=ancient(
            "results/corpora/{corpus}/documents/{source}/{part}.parquet"
        ),
        tokenizer_data=ancient("results/tokenizers/{tokenizer}"),
    output:
        manifest="results/shards/{corpus}/{tokenizer}/{source}/{part}.json",
        provenance="results/shards/{corpus}/{tokenizer}/{source}/{part}.provenance.json",
        shards=multiext(
            "results/shards/{corpus}/{tokenizer}/{source}/{part}.",
            *[f"{split}.{suffix}" for split in SPLITS for suffix in SHARD_SUFFIXES],
        ),
    log:
        "results/logs/shard/{corpus}.{tokenizer}.{source}.{part}.log",
    benchmark:
        "results/benchmarks/shard/{corpus}.{tokenizer}.{source}.{part}.tsv"
    priority: 20
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=settings(),
        code=code_digest("scripts.shards.encode"),
        environment=DATA,
    message:
        "Encoding {wildcards.source} of corpus {wildcards.corpus} with tokenizer {wildcards.tokenizer}, part {wildcards.part}"
    shell:
        "python -m scripts.shards.encode"
        " --documents {input.documents:q}"
        " --tokenizer {input.tokenizer:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule order:
    input:
        shards=lambda w: expand(
            "results/shards/{corpus}/{tokenizer}/{source}/{part}.json",
            part=registry.parts(w.source),
            **w,
        ),
        shard_data=lambda w: ancient(
            expand(
                "results/shards/{corpus}/{tokenizer}/{source}/{part}.{split}.{suffix}",
                part=registry.parts(w.source),
                split=SPLITS,
                suffix=["idx", "keys"],
                **w,
            )
        ),
    output:
        manifest="results/shards/{corpus}/{tokenizer}/{source}/order.json",
        provenance="results/shards/{corpus}/{tokenizer}/{source}/order.provenance.json",
        order=multiext(
            "results/shards/{corpus}/{tokenizer}/{source}/order.",
            *[f"{split}.npy" for split in SPLITS],
        ),
    log:
        "results/logs/order/{corpus}.{tokenizer}.{source}.log",
    benchmark:
        "results/benchmarks/order/{corpus}.{tokenizer}.{source}.tsv"
    priority: 20
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda w: settings(parts=registry.parts(w.source)),
        code=code_digest("scripts.shards.index"),
        environment=DATA,
    message:
        "Ordering the documents of {wildcards.source} in corpus {wildcards.corpus}"
    shell:
        "python -m scripts.shards.index"
        " --shards {input.shards:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule pack:
    input:
        order="results/shards/{corpus}/{tokenizer}/{source}/order.json",
        order_data=ancient(
            multiext(
                "results/shards/{corpus}/{tokenizer}/{source}/order.",
                *[f"{split}.npy" for split in SPLITS],
            )
        ),
    output:
        manifest="results/shards/{corpus}/{tokenizer}/{source}/pack-{length}.json",
        provenance="results/shards/{corpus}/{tokenizer}/{source}/pack-{length}.provenance.json",
        packing=multiext(
            "results/shards/{corpus}/{tokenizer}/{source}/pack-{length}.",
            *[f"{kind}.npy" for kind in PACKING_KINDS],
        ),
    log:
        "results/logs/pack/{corpus}.{tokenizer}.{source}.{length}.log",
    benchmark:
        "results/benchmarks/pack/{corpus}.{tokenizer}.{source}.{length}.tsv"
    priority: 20
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda w: settings(sequence_length=int(w.length)),
        code=code_digest("scripts.shards.pack"),
        environment=DATA,
    message:
        "Packing the documents of {wildcards.source} in corpus {wildcards.corpus} into samples of {wildcards.length} tokens"
    shell:
        "python -m scripts.shards.pack"
        " --order {input.order:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

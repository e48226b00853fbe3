# Duplicates: signatures of texts, and which document survives of those that are alike.
#
# Reads   results/sources/{source}/documents/, results/corpora/{corpus}/selection/
# Writes  results/sources/{source}/signatures/                               per source, no thresholds
#         results/corpora/{corpus}/duplicates.parquet                        documents that go, and for which one
#         results/corpora/{corpus}/duplicates.paragraphs.parquet             repeated paragraphs that go
# Config  signatures, corpora.{corpus}.deduplicate


rule signatures:
    input:
        manifest="results/sources/{source}/documents/{part}.json",
        documents=ancient("results/sources/{source}/documents/{part}.parquet"),
    output:
        manifest="results/sources/{source}/signatures/{part}.json",
        provenance="results/sources/{source}/signatures/{part}.provenance.json",
        signatures="results/sources/{source}/signatures/{part}.parquet",
    log:
        "results/logs/signatures/{source}.{part}.log",
    benchmark:
        "results/benchmarks/signatures/{source}.{part}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=settings(
            shingle=registry.config["signatures"]["shingle"],
            permutations=registry.config["signatures"]["permutations"],
            seed=registry.seed,
        ),
        code=code_digest("scripts.cleaning.signatures"),
        environment=DATA,
    message:
        "Computing signatures of {wildcards.source}, part {wildcards.part}"
    shell:
        "python -m scripts.cleaning.signatures"
        " --documents {input.manifest:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule deduplicate:
    input:
        signatures=lambda w: manifests(
            "results/sources/{source}/signatures/{part}.json",
            w.corpus,
            by_priority=True,
        ),
        selections=lambda w: manifests(
            "results/corpora/{corpus}/selection/{source}/{part}.json",
            w.corpus,
            by_priority=True,
        ),
        signature_data=lambda w: ancient(
            manifests(
                "results/sources/{source}/signatures/{part}.parquet",
                w.corpus,
                by_priority=True,
            )
        ),
        selection_data=lambda w: ancient(
            manifests(
                "results/corpora/{corpus}/selection/{source}/{part}.parquet",
                w.corpus,
                by_priority=True,
            )
        ),
    output:
        manifest="results/corpora/{corpus}/duplicates.json",
        provenance="results/corpora/{corpus}/duplicates.provenance.json",
        duplicates="results/corpora/{corpus}/duplicates.parquet",
        paragraphs="results/corpora/{corpus}/duplicates.paragraphs.parquet",
    log:
        "results/logs/deduplicate/{corpus}.log",
    benchmark:
        "results/benchmarks/deduplicate/{corpus}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        settings=lambda w: settings(
            sources=registry.sources_with_parts(w.corpus, by_priority=True),
            **registry.corpus(w.corpus)["deduplicate"],
        ),
        code=code_digest("scripts.cleaning.deduplicate"),
        environment=DATA,
    message:
        "Finding duplicates in corpus {wildcards.corpus}"
    shell:
        "python -m scripts.cleaning.deduplicate"
        " --signatures {input.signatures:q}"
        " --selections {input.selections:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

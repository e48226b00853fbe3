# Contamination: text of evaluation sets in a corpus, and its held-out text in its training text.
#
# Reads   results/sources/{source}/documents/, results/tasks/{task}/, results/corpora/{corpus}/
# Writes  results/corpora/{corpus}/contamination.parquet                     documents or spans that go, and for which item
#         results/corpora/{corpus}/overlap.parquet                           held-out text that stands in training text
# Config  corpora.{corpus}.decontaminate, filters.line_edits


rule decontaminate:
    input:
        documents=lambda w: manifests(
            "results/sources/{source}/documents/{part}.json", w.corpus
        ),
        selections=lambda w: manifests(
            "results/corpora/{corpus}/selection/{source}/{part}.json", w.corpus
        ),
        tasks=lambda w: [
            f"results/tasks/{task}/items.json"
            for task in sorted(registry.corpus(w.corpus)["decontaminate"]["tasks"])
        ],
        document_data=lambda w: ancient(
            manifests("results/sources/{source}/documents/{part}.parquet", w.corpus)
        ),
        selection_data=lambda w: ancient(
            manifests(
                "results/corpora/{corpus}/selection/{source}/{part}.parquet", w.corpus
            )
        ),
    output:
        manifest="results/corpora/{corpus}/contamination.json",
        provenance="results/corpora/{corpus}/contamination.provenance.json",
        contamination="results/corpora/{corpus}/contamination.parquet",
    log:
        "results/logs/decontaminate/{corpus}.log",
    benchmark:
        "results/benchmarks/decontaminate/{corpus}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        settings=lambda w: settings(
            sources=searched_sources(w.corpus),
            **{
                **registry.corpus(w.corpus)["decontaminate"],
                "tasks": sorted(registry.corpus(w.corpus)["decontaminate"]["tasks"]),
            },
        ),
        code=code_digest("scripts.cleaning.decontaminate"),
        environment=DATA,
    message:
        "Looking for evaluation items in corpus {wildcards.corpus}"
    shell:
        "python -m scripts.cleaning.decontaminate"
        " --documents {input.documents:q}"
        " --selections {input.selections:q}"
        " --tasks {input.tasks:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule overlap:
    input:
        curated=lambda w: manifests(
            "results/corpora/{corpus}/documents/{source}/{part}.json", w.corpus
        ),
        curated_data=lambda w: ancient(
            manifests(
                "results/corpora/{corpus}/documents/{source}/{part}.parquet", w.corpus
            )
        ),
    output:
        manifest="results/corpora/{corpus}/overlap.json",
        provenance="results/corpora/{corpus}/overlap.provenance.json",
        overlap="results/corpora/{corpus}/overlap.parquet",
    log:
        "results/logs/overlap/{corpus}.log",
    benchmark:
        "results/benchmarks/overlap/{corpus}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        settings=lambda w: settings(
            sources=registry.sources_with_parts(w.corpus),
            **{
                key: registry.corpus(w.corpus)["decontaminate"][key]
                for key in ("ngram", "minimum_words", "sentence_words")
            },
        ),
        code=code_digest("scripts.cleaning.overlap"),
        environment=DATA,
    message:
        "Looking for held-out text of corpus {wildcards.corpus} in its training text"
    shell:
        "python -m scripts.cleaning.overlap"
        " --curated {input.curated:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

# Audit: of what a corpus consists and whom its filters remove; a gate can fail the build.
#
# Reads   results/sources/{source}/documents/ and annotations/
#         results/corpora/{corpus}/selection/, documents/, duplicates.parquet, contamination.parquet and overlap.json
# Writes  results/corpora/{corpus}/audit/ (audit.json, index.html, card.md)
# Config  corpora.{corpus}.audit


rule audit:
    input:
        documents=lambda w: manifests(
            "results/sources/{source}/documents/{part}.json", w.corpus
        ),
        annotations=lambda w: manifests(
            "results/sources/{source}/annotations/{part}.json", w.corpus
        ),
        selections=lambda w: manifests(
            "results/corpora/{corpus}/selection/{source}/{part}.json", w.corpus
        ),
        curated=lambda w: manifests(
            "results/corpora/{corpus}/documents/{source}/{part}.json", w.corpus
        ),
        duplicates="results/corpora/{corpus}/duplicates.json",
        contamination="results/corpora/{corpus}/contamination.json",
        overlap="results/corpora/{corpus}/overlap.json",
        document_data=lambda w: ancient(
            manifests("results/sources/{source}/documents/{part}.parquet", w.corpus)
        ),
        annotation_data=lambda w: ancient(
            manifests("results/sources/{source}/annotations/{part}.parquet", w.corpus)
        ),
        selection_data=lambda w: ancient(
            manifests(
                "results/corpora/{corpus}/selection/{source}/{part}.parquet", w.corpus
            )
        ),
        curated_data=lambda w: ancient(
            manifests(
                "results/corpora/{corpus}/documents/{source}/{part}.parquet", w.corpus
            )
        ),
        duplicate_data=ancient("results/corpora/{corpus}/duplicates.parquet"),
        paragraph_data=ancient("results/corpora/{corpus}/duplicates.paragraphs.parquet"),
        contamination_data=ancient("results/corpora/{corpus}/contamination.parquet"),
        overlap_data=ancient("results/corpora/{corpus}/overlap.parquet"),
    output:
        manifest="results/corpora/{corpus}/audit.json",
        provenance="results/corpora/{corpus}/audit.provenance.json",
        audit=directory("results/corpora/{corpus}/audit"),
    log:
        "results/logs/audit/{corpus}.log",
    benchmark:
        "results/benchmarks/audit/{corpus}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        settings=lambda w: settings(
            corpus=w.corpus,
            sources=registry.sources_with_parts(w.corpus),
            **registry.corpus(w.corpus)["audit"],
        ),
        code=code_digest("scripts.audit.audit"),
        environment=DATA,
    message:
        "Auditing corpus {wildcards.corpus}"
    shell:
        "python -m scripts.audit.audit"
        " --documents {input.documents:q}"
        " --annotations {input.annotations:q}"
        " --selections {input.selections:q}"
        " --curated {input.curated:q}"
        " --duplicates {input.duplicates:q}"
        " --contamination {input.contamination:q}"
        " --overlap {input.overlap:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

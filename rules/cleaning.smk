# Cleaning: measure once, decide per corpus, keep every verdict.
#
# Reads   results/sources/{source}/documents/, results/corpora/{corpus}/duplicates.parquet and contamination.parquet
# Writes  results/sources/{source}/annotations/                              per source, no thresholds
#         results/lexicons/{lexicon}/flags/{source}/{part}.parquet           where terms occur, for the corpora that ask
#         results/corpora/{corpus}/selection/{source}/{part}.parquet         every verdict for every document
#         results/corpora/{corpus}/documents/{source}/{part}.parquet         curated documents with their split
# Config  lexicons.{lexicon} and corpora.{corpus} with the content of the lists that they name


rule annotate:
    input:
        manifest="results/sources/{source}/documents/{part}.json",
        documents=ancient("results/sources/{source}/documents/{part}.parquet"),
    output:
        manifest="results/sources/{source}/annotations/{part}.json",
        provenance="results/sources/{source}/annotations/{part}.provenance.json",
        annotations="results/sources/{source}/annotations/{part}.parquet",
    log:
        "results/logs/annotate/{source}.{part}.log",
    benchmark:
        "results/benchmarks/annotate/{source}.{part}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=settings(),
        code=code_digest("scripts.cleaning.annotate"),
        environment=DATA,
    message:
        "Measuring documents of {wildcards.source}, part {wildcards.part}"
    shell:
        "python -m scripts.cleaning.annotate"
        " --documents {input.manifest:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule flag:
    input:
        documents="results/sources/{source}/documents/{part}.json",
        annotations="results/sources/{source}/annotations/{part}.json",
        document_data=ancient("results/sources/{source}/documents/{part}.parquet"),
        annotation_data=ancient("results/sources/{source}/annotations/{part}.parquet"),
    output:
        manifest="results/lexicons/{lexicon}/flags/{source}/{part}.json",
        provenance="results/lexicons/{lexicon}/flags/{source}/{part}.provenance.json",
        flags="results/lexicons/{lexicon}/flags/{source}/{part}.parquet",
    log:
        "results/logs/flag/{lexicon}.{source}.{part}.log",
    benchmark:
        "results/benchmarks/flag/{lexicon}.{source}.{part}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=lambda w: settings(**registry.lexicon(w.lexicon)),
        code=code_digest("scripts.cleaning.flag"),
        environment=DATA,
    message:
        "Looking for terms of {wildcards.lexicon} in {wildcards.source}, part {wildcards.part}"
    shell:
        "python -m scripts.cleaning.flag"
        " --documents {input.documents:q}"
        " --annotations {input.annotations:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule select:
    input:
        manifest="results/sources/{source}/annotations/{part}.json",
        annotations=ancient("results/sources/{source}/annotations/{part}.parquet"),
        scores=lambda w: quality_scores(w, ".json"),
        score_data=lambda w: ancient(quality_scores(w, ".parquet")),
        flags=lambda w: lexicon_flags(w, ".json"),
        flag_data=lambda w: ancient(lexicon_flags(w, ".parquet")),
    output:
        manifest="results/corpora/{corpus}/selection/{source}/{part}.json",
        provenance="results/corpora/{corpus}/selection/{source}/{part}.provenance.json",
        selection="results/corpora/{corpus}/selection/{source}/{part}.parquet",
    log:
        "results/logs/select/{corpus}.{source}.{part}.log",
    benchmark:
        "results/benchmarks/select/{corpus}.{source}.{part}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda w: settings(**registry.filters(w.corpus, w.source)),
        code=code_digest("scripts.cleaning.select"),
        environment=DATA,
    message:
        "Selecting documents of {wildcards.source} for corpus {wildcards.corpus}, part {wildcards.part}"
    shell:
        "python -m scripts.cleaning.select"
        " --annotations {input.manifest:q}"
        " --scores {input.scores:q}"
        " --flags {input.flags:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule curate:
    input:
        documents="results/sources/{source}/documents/{part}.json",
        annotations="results/sources/{source}/annotations/{part}.json",
        selection="results/corpora/{corpus}/selection/{source}/{part}.json",
        duplicates="results/corpora/{corpus}/duplicates.json",
        contamination="results/corpora/{corpus}/contamination.json",
        document_data=ancient("results/sources/{source}/documents/{part}.parquet"),
        annotation_data=ancient("results/sources/{source}/annotations/{part}.parquet"),
        selection_data=ancient(
            "results/corpora/{corpus}/selection/{source}/{part}.parquet"
        ),
        duplicate_data=ancient("results/corpora/{corpus}/duplicates.parquet"),
        paragraph_data=ancient("results/corpora/{corpus}/duplicates.paragraphs.parquet"),
        contamination_data=ancient("results/corpora/{corpus}/contamination.parquet"),
    output:
        manifest="results/corpora/{corpus}/documents/{source}/{part}.json",
        provenance="results/corpora/{corpus}/documents/{source}/{part}.provenance.json",
        documents="results/corpora/{corpus}/documents/{source}/{part}.parquet",
    log:
        "results/logs/curate/{corpus}.{source}.{part}.log",
    benchmark:
        "results/benchmarks/curate/{corpus}.{source}.{part}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=lambda w: settings(
            source=w.source,
            line_edits=registry.line_edits(w.corpus, w.source),
            pii=sorted(registry.corpus(w.corpus)["pii"]),
            split=registry.corpus(w.corpus)["split"],
            seed=registry.seed,
        ),
        code=code_digest("scripts.cleaning.curate"),
        environment=DATA,
    message:
        "Curating documents of {wildcards.source} for corpus {wildcards.corpus}, part {wildcards.part}"
    shell:
        "python -m scripts.cleaning.curate"
        " --documents {input.documents:q}"
        " --annotations {input.annotations:q}"
        " --selection {input.selection:q}"
        " --duplicates {input.duplicates:q}"
        " --contamination {input.contamination:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

# Cleaning: measure once, decide per corpus, keep every verdict.
#
# Reads   results/sources/{source}/documents/
# Writes  results/sources/{source}/annotations/ and signatures/              per source, no thresholds
#         results/lexicons/{lexicon}/flags/{source}/{part}.parquet           where terms occur, for the corpora that ask
#         results/corpora/{corpus}/selection/{source}/{part}.parquet         every verdict for every document
#         results/corpora/{corpus}/duplicates.parquet, contamination.parquet what goes, and for what
#         results/corpora/{corpus}/duplicates.paragraphs.parquet             repeated paragraphs that go
#         results/corpora/{corpus}/documents/{source}/{part}.parquet         curated documents with their split
#         results/corpora/{corpus}/overlap.parquet                           held-out text that stands in training text
# Config  signatures, lexicons.{lexicon} and corpora.{corpus} with the content of the lists that they name


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
            sources=registry.sources_with_parts(w.corpus),
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


rule curate:
    input:
        documents="results/sources/{source}/documents/{part}.json",
        selection="results/corpora/{corpus}/selection/{source}/{part}.json",
        duplicates="results/corpora/{corpus}/duplicates.json",
        contamination="results/corpora/{corpus}/contamination.json",
        document_data=ancient("results/sources/{source}/documents/{part}.parquet"),
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
        " --selection {input.selection:q}"
        " --duplicates {input.duplicates:q}"
        " --contamination {input.contamination:q}"
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

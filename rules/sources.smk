# Sources: from where they are published to documents.
#
# Reads   config: sources.{source}, tasks.{task}
# Writes  results/sources/{source}/raw/{part}/ and .json        the files as published, verified
#         results/sources/{source}/documents/{part}.parquet     documents (id, text, url, date, language, license, meta)
#         results/tasks/{task}/raw/0000/ and results/tasks/{task}/items.parquet


# The settings go by the standard input, since a list of files may be longer than an argument of a program.
rule fetch_source:
    output:
        manifest="results/sources/{source}/raw/{part}.json",
        provenance="results/sources/{source}/raw/{part}.provenance.json",
        raw=directory("results/sources/{source}/raw/{part}"),
    log:
        "results/logs/fetch_source/{source}.{part}.log",
    benchmark:
        "results/benchmarks/fetch_source/{source}.{part}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        settings=lambda w: settings(
            origin=registry.origin("sources", w.source),
            part=w.part,
            parts=registry.source(w.source)["parts"],
            content=registry.content("sources", w.source, w.part),
        ),
        code=code_digest("scripts.sources.fetch"),
        environment=DATA,
    message:
        "Fetching {wildcards.source}, part {wildcards.part}"
    shell:
        "printf %s {params.settings:q}"
        " | python -m scripts.sources.fetch"
        " --cache results/cache"
        " --lock downloads.lock"
        " --manifest {output.manifest:q}"
        " --settings -"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule extract:
    input:
        manifest="results/sources/{source}/raw/{part}.json",
        raw=ancient("results/sources/{source}/raw/{part}"),
    output:
        manifest="results/sources/{source}/documents/{part}.json",
        provenance="results/sources/{source}/documents/{part}.provenance.json",
        documents="results/sources/{source}/documents/{part}.parquet",
        quarantine="results/sources/{source}/documents/{part}.quarantine.jsonl",
    log:
        "results/logs/extract/{source}.{part}.log",
    benchmark:
        "results/benchmarks/extract/{source}.{part}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=lambda w: settings(
            source=w.source,
            kind=registry.source(w.source)["kind"],
            language=registry.source(w.source)["language"],
            license=registry.source(w.source)["license"],
            options=registry.source(w.source)["options"],
            max_quarantined=registry.source(w.source)["max_quarantined"],
        ),
        code=code_digest("scripts.sources.extract"),
        environment=DATA,
    message:
        "Extracting documents of {wildcards.source}, part {wildcards.part}"
    shell:
        "python -m scripts.sources.extract"
        " --raw {input.manifest:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

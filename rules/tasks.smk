# Tasks: labelled sets for fine-tuning, evaluation and decontamination, from where they are published to items of one form.
#
# Reads   config: tasks.{task}
# Writes  results/tasks/{task}/raw/0000/ and .json     the files as published, verified
#         results/tasks/{task}/items.parquet           items (id, split, prompt, choices, answer, target, ...)


# The settings go by the standard input, since a list of files may be longer than an argument of a program.
rule fetch_task:
    output:
        manifest="results/tasks/{task}/raw/0000.json",
        provenance="results/tasks/{task}/raw/0000.provenance.json",
        raw=directory("results/tasks/{task}/raw/0000"),
    log:
        "results/logs/fetch_task/{task}.log",
    benchmark:
        "results/benchmarks/fetch_task/{task}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=lambda w: settings(
            origin=registry.origin("tasks", w.task),
            part="0000",
            parts=1,
            content=registry.content("tasks", w.task, "0000"),
        ),
        code=code_digest("scripts.sources.fetch"),
        environment=DATA,
    message:
        "Fetching task {wildcards.task}"
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


rule prepare_task:
    input:
        manifest=lambda w: raw_of_task(w, ".json"),
        raw=lambda w: ancient(raw_of_task(w, "")),
    output:
        manifest="results/tasks/{task}/items.json",
        provenance="results/tasks/{task}/items.provenance.json",
        data="results/tasks/{task}/items.parquet",
    log:
        "results/logs/prepare_task/{task}.log",
    benchmark:
        "results/benchmarks/prepare_task/{task}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda w: settings(task=w.task, kind=registry.task(w.task)["kind"]),
        code=code_digest("scripts.tasks.prepare"),
        environment=DATA,
    message:
        "Preparing task {wildcards.task}"
    shell:
        "python -m scripts.tasks.prepare"
        " --raw {input.manifest:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

# Report: one self-contained page over everything that was made.
#
# Reads   the manifests of all stages; for the block of timings, which counts for no digest, event files of trainings and Snakemake's
#         benchmark files (the report has none of its own, which would come after the page)
# Writes  results/report.html


rule report:
    input:
        **targets.report_inputs(),
        metrics=ancient(
            expand(
                "results/models/{model}/{file}",
                model=registry.config["models"],
                file=["metrics.jsonl", "samples.json"],
            )
        ),
        finetuned_metrics=ancient(targets.finetuned_metrics()),
    output:
        manifest="results/report.json",
        provenance="results/report.provenance.json",
        page="results/report.html",
    log:
        "results/logs/report/report.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=settings(
            versions=versions_of(ENVIRONMENTS, SHOWN_VERSIONS),
            origins={
                name: source["origin"]
                for name, source in registry.config["sources"].items()
            },
            corpora={
                name: corpus["sources"]
                for name, corpus in registry.config["corpora"].items()
            },
            acceptances=[
                {key: one[key] for key in ("program", "reason")} for one in ACCEPTED
            ],
        ),
        code=code_digest("scripts.report.build"),
        environment=REPORT,
    message:
        "Writing the report"
    shell:
        "python -m scripts.report.build"
        " --documents {input.documents:q}"
        " --curated {input.curated:q}"
        " --duplicates {input.duplicates:q}"
        " --contamination {input.contamination:q}"
        " --audits {input.audits:q}"
        " --classifiers {input.classifiers:q}"
        " --tasks {input.tasks:q}"
        " --tokenizers {input.tokenizers:q}"
        " --comparisons {input.comparisons:q}"
        " --plans {input.plans:q}"
        " --models {input.models:q}"
        " --scores {input.scores:q}"
        " --zero_shot {input.zero_shot:q}"
        " --finetuned {input.finetuned:q}"
        " --finetuned_scores {input.finetuned_scores:q}"
        " --benchmarks results/benchmarks"
        " --checkpoints results/checkpoints"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

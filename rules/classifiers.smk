# Classifiers of quality: trained on two sets of sources, then a score for every document that a corpus asks about.
#
# Reads   results/sources/{source}/documents/
# Writes  results/classifiers/{classifier}/model.parquet                     weights; the manifest says how good they are
#         results/classifiers/{classifier}/scores/{source}/{part}.parquet    a probability for each document
# Config  classifiers.{classifier}


rule train_quality:
    input:
        positive=lambda w: set_of_classifier(w, "positive", ".json"),
        negative=lambda w: set_of_classifier(w, "negative", ".json"),
        positive_data=lambda w: ancient(set_of_classifier(w, "positive", ".parquet")),
        negative_data=lambda w: ancient(set_of_classifier(w, "negative", ".parquet")),
    output:
        manifest="results/classifiers/{classifier}/model.json",
        provenance="results/classifiers/{classifier}/model.provenance.json",
        model="results/classifiers/{classifier}/model.parquet",
    log:
        "results/logs/train_quality/{classifier}.log",
    benchmark:
        "results/benchmarks/train_quality/{classifier}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        settings=lambda w: settings(
            **{
                **registry.classifier(w.classifier),
                "classifier": w.classifier,
                "positive": registry.with_parts(
                    sorted(registry.classifier(w.classifier)["positive"])
                ),
                "negative": registry.with_parts(
                    sorted(registry.classifier(w.classifier)["negative"])
                ),
                "seed": registry.seed,
            }
        ),
        code=code_digest("scripts.cleaning.train_quality"),
        environment=DATA,
    message:
        "Training the classifier of quality {wildcards.classifier}"
    shell:
        "python -m scripts.cleaning.train_quality"
        " --positive {input.positive:q}"
        " --negative {input.negative:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule score_quality:
    input:
        model="results/classifiers/{classifier}/model.json",
        documents="results/sources/{source}/documents/{part}.json",
        model_data=ancient("results/classifiers/{classifier}/model.parquet"),
        document_data=ancient("results/sources/{source}/documents/{part}.parquet"),
    output:
        manifest="results/classifiers/{classifier}/scores/{source}/{part}.json",
        provenance="results/classifiers/{classifier}/scores/{source}/{part}.provenance.json",
        scores="results/classifiers/{classifier}/scores/{source}/{part}.parquet",
    log:
        "results/logs/score_quality/{classifier}.{source}.{part}.log",
    benchmark:
        "results/benchmarks/score_quality/{classifier}.{source}.{part}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=settings(),
        code=code_digest("scripts.cleaning.score_quality"),
        environment=DATA,
    message:
        "Scoring documents of {wildcards.source} by {wildcards.classifier}, part {wildcards.part}"
    shell:
        "python -m scripts.cleaning.score_quality"
        " --model {input.model:q}"
        " --documents {input.documents:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

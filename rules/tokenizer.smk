# Tokenizers: one per name, trained on a bounded sample of a corpus, exported in two forms with equal ids.
#
# Reads   results/corpora/{corpus}/documents/
# Writes  results/tokenizers/{tokenizer}/   sentencepiece and Hugging Face form
#         results/corpora/{corpus}/tokenizers.json   the tokenizers of a corpus compared on held-out documents
# Config  tokenizers.{tokenizer}


rule tokenizer:
    input:
        documents=lambda w: manifests(
            "results/corpora/{corpus}/documents/{source}/{part}.json",
            registry.tokenizer(w.tokenizer)["corpus"],
        ),
        document_data=lambda w: ancient(
            manifests(
                "results/corpora/{corpus}/documents/{source}/{part}.parquet",
                registry.tokenizer(w.tokenizer)["corpus"],
            )
        ),
    output:
        manifest="results/tokenizers/{tokenizer}.json",
        provenance="results/tokenizers/{tokenizer}.provenance.json",
        tokenizer=directory("results/tokenizers/{tokenizer}"),
    log:
        "results/logs/tokenizer/{tokenizer}.log",
    benchmark:
        "results/benchmarks/tokenizer/{tokenizer}.tsv"
    priority: 20  # what trainings wait for: they find both cores free, since the short jobs come after them
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w: max(
            3000,
            megabytes(registry.tokenizer(w.tokenizer)["sample_bytes"]),
        ),
        runtime=240,
    params:
        settings=lambda w: settings(
            seed=registry.seed, **registry.tokenizer(w.tokenizer)
        ),
        code=code_digest("scripts.tokenizer.train"),
        environment=DATA,
    message:
        "Training tokenizer {wildcards.tokenizer}"
    shell:
        "python -m scripts.tokenizer.train"
        " --documents {input.documents:q}"
        " --checkpoints results/checkpoints"
        " --memory {resources.mem_mb}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"


rule compare_tokenizers:
    input:
        documents=lambda w: manifests(
            "results/corpora/{corpus}/documents/{source}/{part}.json", w.corpus
        ),
        tokenizers=lambda w: expand(
            "results/tokenizers/{tokenizer}.json",
            tokenizer=registry.tokenizers_of(w.corpus),
        ),
        document_data=lambda w: ancient(
            manifests(
                "results/corpora/{corpus}/documents/{source}/{part}.parquet", w.corpus
            )
        ),
        tokenizer_data=lambda w: ancient(
            expand(
                "results/tokenizers/{tokenizer}",
                tokenizer=registry.tokenizers_of(w.corpus),
            )
        ),
    output:
        manifest="results/corpora/{corpus}/tokenizers.json",
        provenance="results/corpora/{corpus}/tokenizers.provenance.json",
    log:
        "results/logs/compare_tokenizers/{corpus}.log",
    benchmark:
        "results/benchmarks/compare_tokenizers/{corpus}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda w: settings(
            corpus=w.corpus, tokenizers=registry.tokenizers_of(w.corpus)
        ),
        code=code_digest("scripts.tokenizer.compare"),
        environment=DATA,
    message:
        "Comparing the tokenizers of corpus {wildcards.corpus}"
    shell:
        "python -m scripts.tokenizer.compare"
        " --documents {input.documents:q}"
        " --tokenizers {input.tokenizers:q}"
        " --manifest {output.manifest:q}"
        " --settings {params.settings:q}"
        " --code {params.code:q}"
        " --environment {params.environment:q}"
        " 2> {log:q}"

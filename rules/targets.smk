# Targets: what a user asks for by name. Each asks for the manifests of all stages of its closure, with the data beside them,
# since Snakemake makes no missing intermediate that nobody asks for. `all` stands in the Snakefile.


rule fetch:
    input:
        targets.fetch(),
    message:
        "Everything that comes from elsewhere is here"


for kind, thing in targets.names():

    rule:
        name:
            f"{kind}-{thing}"
        input:
            targets.closure(kind, thing),
        message:
            f"{kind.capitalize()} {thing} is made"

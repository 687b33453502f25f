"""Import-linter contracts of our own (pyproject.toml, [tool.importlinter])."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output


def owner_of(module: str) -> str | None:
    """The package that a private module belongs to, or None when the module is public (dunder names are public)."""
    parts = module.split(".")
    for depth, part in enumerate(parts):
        if part.startswith("_") and not part.startswith("__"):
            return ".".join(parts[:depth])
    return None


class PrivateModules(Contract):
    """A module whose name begins with an underscore is imported only from within its own package."""

    type_name = "private"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        breaches: list[tuple[str, str]] = []
        for module in sorted(graph.modules):
            owner = owner_of(module)
            if owner is None or not owner:
                continue
            if verbose:
                output.print(f"private: {module}")
            importers = sorted(graph.find_modules_that_directly_import(module))
            breaches += [(user, module) for user in importers if user != owner and not user.startswith(owner + ".")]
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for user, module in check.metadata["breaches"]:
            output.print_error(f"{user} imports {module}, which is private to {owner_of(module)}")

"""Pictures that are drawn when the pages are built, each once for light pages and once for dark ones.

The directive ``{picture} tutorial.pooling`` calls the function ``pooling`` of ``docs/pictures/tutorial.py``, which
returns a figure. The options are ``alt`` (what is to be seen; it must be given) and ``width``; the content is the
caption.
"""

from importlib import import_module
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

FOLDER = "generated/pictures"
DPI = 160
MODES = {"light": ("#1f2430", "#c9ccd3"), "dark": ("#e6e8ec", "#4a505c")}  # ink, lines


def style(mode):
    """Return matplotlib's settings for one mode: only ink changes, the paper is the page's."""
    ink, lines = MODES[mode]
    return {
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "legend.facecolor": "none",
        "legend.framealpha": 0,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "grid.color": lines,
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }


class Picture(SphinxDirective):
    """``{picture} module.function``."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required, "width": directives.length_or_percentage_or_unitless}

    def run(self):
        """Draw, and return the figure."""
        if "alt" not in self.options:
            raise self.error(f"the picture {self.arguments[0]} has no alt")
        if self.env.app.builder.format != "html":
            return []
        module, _, function = self.arguments[0].rpartition(".")
        images = nodes.container()  # beside a picture that is hidden, the theme would hide the caption, too
        for mode in MODES:
            file = draw(module, function, mode, Path(self.env.srcdir) / FOLDER)
            image = nodes.image(uri=f"/{FOLDER}/{file}", alt=self.options["alt"], classes=[f"only-{mode}"])
            if "width" in self.options:
                image["width"] = self.options["width"]
            images += image
        self.env.note_dependency(str(Path(self.env.srcdir) / "pictures" / f"{module}.py"))
        figure = nodes.figure("", images, align="center")
        if self.content:
            figure += nodes.caption("", "", *self.parse_inline(" ".join(self.content))[0])
        return [figure]


def draw(module, function, mode, folder):
    """Draw one picture in one mode into a folder; return the name of the file."""
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    file = f"{module}-{function}-{mode}.png"
    with matplotlib.rc_context(style(mode)):
        figure = getattr(import_module(f"pictures.{module}"), function)()
        figure.savefig(folder / file, dpi=DPI)
    return file


def setup(app):
    """Register the directive."""
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True}

"""What every example of the gallery starts from, and how its pictures are found."""

_saved = set()


def same_start(gallery_conf, name):
    """Give every example the same random numbers and the default settings."""
    import fastconv

    _saved.clear()
    fastconv.utils.set_random_seed(0)
    fastconv.config.set_num_threads(None)
    fastconv.config.enable_fusion()
    fastconv.config.enable_winograd()


def figures_of_visualize(block, block_vars, gallery_conf):
    """Save the figures that a block of an example has made and that pyplot does not know of.

    Those of ``fastconv.visualize`` belong to no window and to no list; they are found among the block's variables.
    """
    from matplotlib import pyplot
    from matplotlib.figure import Figure
    from sphinx_gallery.scrapers import figure_rst

    known = [pyplot.figure(number) for number in pyplot.get_fignums()]
    files = []
    for thing in list(block_vars["example_globals"].values()):
        if isinstance(thing, Figure) and thing not in known and thing not in _saved:
            _saved.add(thing)
            if not getattr(thing.canvas, "manager", None):
                files.append(next(block_vars["image_path_iterator"]))
                thing.savefig(files[-1], dpi=110)
    return figure_rst(files, gallery_conf["src_dir"])

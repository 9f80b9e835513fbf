"""An empty workspace, and a loader into it."""

import pytest

from gridsvc.intake import LoadOptions, load_file
from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace
from gridsvc.store import open_store
from gridsvc.text import bilingual


@pytest.fixture
def workspace(tmp_path):
    return init_workspace(tmp_path / "county", County(name=bilingual("Test", "测试县")))


@pytest.fixture
def layers(workspace):
    return load_layers(workspace)


class Loader:
    """Loads files into one workspace, and reads what is stored."""

    def __init__(self, workspace, layers):
        self.workspace = workspace
        self.layers = layers

    def __call__(self, layer, *paths, **options):
        with open_store(self.workspace, self.layers, write=True) as store:
            return load_file(store, self.layers, self.workspace, layer, list(paths), LoadOptions(**options))

    def read(self, layer):
        with open_store(self.workspace, self.layers) as store:
            return store.read(layer)

    def quarantine(self, layer):
        with open_store(self.workspace, self.layers) as store:
            return store.quarantine(layer=layer)

    def loads(self):
        with open_store(self.workspace, self.layers) as store:
            return store.loads()

    def digest(self):
        with open_store(self.workspace, self.layers) as store:
            return store.digest()


@pytest.fixture
def load(workspace, layers):
    return Loader(workspace, layers)

"""The workspace: a folder with ``county.toml``, ``layers/`` and ``maps/``; and where shipped files live."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridsvc.codes import CodeLayout
from gridsvc.errors import DefinitionError, NotFoundError, UsageError
from gridsvc.text import Lang, Text

CONFIG_NAME = "county.toml"


class County(BaseModel):
    """What ``county.toml`` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    code_layout: tuple[int, int, int, int] = (6, 3, 3, 3)
    metre_crs: str | None = None
    """Authority code of the metre CRS (``EPSG:4547``); chosen from the county's position when absent."""
    languages: tuple[Lang, ...] = ("zh", "en")
    store: str = Field(default="sqlite:///layers/county.sqlite", repr=False)
    """Where the store lives; see :class:`StoreUrl`."""
    sliver_width: float = Field(default=0.5, ge=0)
    """Metres. Remainders thinner than this join the neighbour with the longest shared border."""
    drawing_noise: float = Field(default=3.0, ge=0)
    """Metres. Boundaries that disagree by less on average were drawn alike: noted, but nothing to attend to."""
    road_snap: float = Field(default=2.0, ge=0)
    """Metres. A road that ends nearer than this to another without meeting it was meant to meet it."""
    asset_distance: float = Field(default=30.0, gt=0)
    """Metres. An asset that names no road belongs to the nearest road within this distance."""
    threads: int = Field(default=0, ge=0, le=256)
    """Threads that compute; 0: one for each core. The figures do not depend on it."""
    marking: str = ""
    """Classification mark (密级) printed on every map, e.g. 内部使用."""
    map_approval: str = ""
    """Map approval number (审图号) printed on every map."""
    phones_on_pages: bool = True
    """Chiefs' telephones on the pages that the service shows, as on the signs at the roads. The pages written to
    files always have them; JSON and CSV never do."""
    keep_delivered_mb: int = Field(default=512, ge=0)
    """Megabytes. The files of a load are kept in the store with it, unless all of them together are larger."""
    objection_days: int = Field(default=5, ge=0, le=366)
    """Days after a run's publishing on which objections (异议) are taken; 0: none."""
    objections_to: str = ""
    """Where to object: office, telephone, address; printed on published spreadsheets."""
    synthetic: bool = False
    """The data is made up; every page says so."""

    @property
    def layout(self) -> CodeLayout:
        """The code layout as an object."""
        return CodeLayout(self.code_layout)


@dataclass(frozen=True)
class StoreUrl:
    """Where a store lives. Written out, it shows no password."""

    engine: Literal["sqlite", "postgresql"]
    location: str = field(repr=False)
    """The file's absolute path, or the URL of the database with all that it holds."""
    name: str
    """What people are told: the path, or the URL with its password masked."""

    @classmethod
    def parse(cls, text: str, root: Path) -> Self:
        """Read ``sqlite:///FILE`` (seen from *root*) or ``postgresql://…``; anything else is refused."""
        shown = masked(text)
        if re.match("postgres(ql)?://", text):
            return cls("postgresql", text, shown)
        prefix = "sqlite:///"
        file = root / text.removeprefix(prefix)
        # GDAL writes GeoPackages, and it never opens the live database
        if text.startswith(prefix) and file != root and file.suffix.lower() != ".gpkg":
            return cls("sqlite", str(file), str(file))
        raise DefinitionError(
            f"store: it must be {prefix}FILE (no .gpkg) or postgresql://USER@HOST/DATABASE, got {shown!r}",
            f"store：应为 {prefix}文件（不能是 .gpkg）或 postgresql://用户@主机/数据库，现为 {shown!r}",
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of this machine that nothing but the store itself may open."""
        return (Path(self.location),) if self.engine == "sqlite" else ()

    def __str__(self) -> str:
        """The name without its password."""
        return self.name


def masked(url: str) -> str:
    """*url* with its password replaced, however badly it is written."""
    url = re.sub(r"(//[^:/@]*):.*@", r"\1:***@", url, flags=re.DOTALL)
    # without a host the password stands where a port would; it may be all digits, so ports are masked, too
    url = re.sub(r"(//[^:/@\[]*):[^/@?]+", r"\1:***", url)
    return re.sub(r"(?i)(\w*password)=[^&]*", r"\1=***", url)


@dataclass(frozen=True)
class Workspace:
    """An opened workspace."""

    root: Path
    county: County

    @property
    def layers_dir(self) -> Path:
        """Folder of the workspace's own definitions and its data."""
        return self.root / "layers"

    @property
    def pages_dir(self) -> Path:
        """Folder that rendered maps go to."""
        return self.root / "maps" / "out"

    @property
    def store_url(self) -> StoreUrl:
        """Where the store lives; an engine that is not known is a :class:`DefinitionError`."""
        try:
            return StoreUrl.parse(self.county.store, self.root)
        except DefinitionError as error:
            place = self.root / CONFIG_NAME
            raise DefinitionError(f"{place}: {error.text.en}", f"{place}：{error.text.zh}") from None

    @property
    def own_files(self) -> tuple[Path, ...]:
        """Files and folders that hold what gridsvc itself keeps, the store with its logs among them."""
        logs = (
            path.with_name(path.name + log)
            for path in self.store_url.files
            for log in ("", "-wal", "-shm", "-follower")
        )
        return (self.root / CONFIG_NAME, self.layers_dir, self.pages_dir, *logs)

    @property
    def geopackage_path(self) -> Path:
        """The GeoPackage of current versions that GIS desktops open."""
        return self.layers_dir / "county.gpkg"


def shipped_dir(name: str) -> Path:
    """Folder of files that ship with gridsvc: ``layers`` or ``maps``, in a wheel or beside a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "_shipped" / name
    return inside if inside.is_dir() else package.parent / name


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; a broken one is a :class:`DefinitionError` that names file and place."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(
            f"{path}: not valid TOML: {error}", f"{path}：不是有效的 TOML 文件：{error}"
        ) from error


def explain(path: Path, error: ValidationError) -> DefinitionError:
    """Turn pydantic's findings into one sentence that names file, key and fault (every fault, at once)."""
    en, zh = [], []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"]) or "(file)"
        said = getattr(fault.get("ctx", {}).get("error"), "text", None)
        en.append(f"{where}: {fault['msg']}")
        zh.append(f"{where}: {said.zh if isinstance(said, Text) else fault['msg']}")
    return DefinitionError(f"{path}: {'; '.join(en)}", f"{path}：{'；'.join(zh)}")


def open_workspace(folder: Path) -> Workspace:
    """Open the workspace at *folder*."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        raise NotFoundError(
            f"{folder} is not a workspace: it has no {CONFIG_NAME}; make one with: gridsvc init {folder}",
            f"{folder} 不是工作区：缺少 {CONFIG_NAME}；请先执行：gridsvc init {folder}",
        )
    try:
        county = County.model_validate(read_toml(path))
    except ValidationError as error:
        raise explain(path, error) from error
    _ = county.layout
    return Workspace(folder.resolve(), county)


def find_workspace(named: Path | None = None, start: Path | None = None) -> Workspace:
    """Find the workspace: the one named, else ``GRIDSVC_WORKSPACE``, else upwards from *start* (here)."""
    if named is None and os.environ.get("GRIDSVC_WORKSPACE"):
        named = Path(os.environ["GRIDSVC_WORKSPACE"])
    if named is not None:
        return open_workspace(named)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / CONFIG_NAME).is_file():
            return open_workspace(folder)
    raise NotFoundError(
        f"no workspace here ({here}) or above; make one with: gridsvc init DIR, or name it with --workspace",
        f"当前目录（{here}）及上级目录都不是工作区；请执行 gridsvc init DIR 新建，或用 --workspace 指定",
    )


def _toml(value: object) -> str:
    """One value as TOML (strings, booleans, numbers, lists and Texts: all that county.toml holds)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c >= " " else f"\\u{ord(c):04x}" for c in escaped) + '"'
    return str(value)


def init_workspace(folder: Path, county: County) -> Workspace:
    """Make a workspace at *folder*; refuses to touch one that exists."""
    path = folder / CONFIG_NAME
    if path.exists():
        raise UsageError(f"{folder} is a workspace already", f"{folder} 已经是工作区")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder", f"{folder} 是文件，不是文件夹")
    (folder / "layers").mkdir(parents=True, exist_ok=True)
    (folder / "maps" / "out").mkdir(parents=True, exist_ok=True)
    values = county.model_dump(exclude_none=True)
    path.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in values.items()), encoding="utf-8")
    return open_workspace(folder)

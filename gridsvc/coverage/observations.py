"""Observations (巡查记录): the states of assets as last seen on or before a day."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd

from gridsvc.layers import Layer, fold


def observed_on(layer: Layer, frame: gpd.GeoDataFrame, notes: pd.DataFrame, day: dt.date) -> gpd.GeoDataFrame:
    """Rows of *layer* with their states as last seen: by an observation in *notes*, else as delivered with them."""
    frame, today = frame.copy(), pd.Timestamp(day)
    seen = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[s]")
    if layer.observed_on:
        # without a state nothing was seen, whatever the date says
        seen = frame[layer.observed_on].where(frame[layer.observed].notna())
    frame.loc[seen > today, layer.observed] = None
    if notes.empty:
        return frame
    notes = _about(layer, notes)
    notes = notes[notes["observed_on"] <= today].sort_values(["observed_on", "key"], kind="stable")
    last = notes.drop_duplicates("asset_key", keep="last").set_index("asset_key")
    at = last["observed_on"].reindex(frame["key"]).reset_index(drop=True)
    newer = (at.notna() & (seen.isna() | (seen > today) | (at >= seen))).to_numpy(bool)
    frame.loc[newer, layer.observed] = last["value"].reindex(frame.loc[newer, "key"]).to_numpy(object)
    return frame


def sightings(layer: Layer, frame: gpd.GeoDataFrame, notes: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Every state with a date on or before *day* in which a feature was seen: ``key``, ``day``, ``value``.

    *frame* holds the layer as delivered, *notes* the observations. In the order in which they count.
    """
    notes = _about(layer, notes).rename(columns={"key": "note"})
    seen = notes.rename(columns={"asset_key": "key", "observed_on": "day"})[["key", "day", "value", "note"]]
    if layer.observed_on:
        own = frame[["key", layer.observed_on, layer.observed]].set_axis(["key", "day", "value"], axis=1)
        # of one day the delivered state comes before what was noted
        seen = pd.concat([pd.DataFrame(own).assign(note=""), seen], ignore_index=True)
    seen = seen[seen["value"].notna() & (seen["day"] <= pd.Timestamp(day))]
    return seen.sort_values(["key", "day", "note"], kind="stable", ignore_index=True)[["key", "day", "value"]]


def _about(layer: Layer, notes: pd.DataFrame) -> pd.DataFrame:
    """Observations of the layer's state, their values as the layer spells them."""
    field = layer.fields[layer.observed]
    names = {fold(text) for text in ("", layer.observed, field.title.zh, field.title.en, *field.aliases)}
    notes = notes[of_layer(notes, layer) & _folded(notes["field"]).isin(names)]
    if field.values:
        notes = notes.assign(value=_folded(notes["value"]).map(field.value_of)).dropna(subset="value")
    return notes


def of_layer(rows: pd.DataFrame, layer: Layer) -> pd.Series:
    """Which rows of a table name *layer*, by its name or title."""
    return _folded(rows["layer"]).isin({fold(text) for text in (layer.name, layer.title.zh, layer.title.en)})


def _folded(texts: pd.Series) -> pd.Series:
    """Spellings folded for comparison; "" for missing ones."""
    folded = {text: fold(text) for text in texts.dropna().unique()}
    return texts.map(folded).astype(object).where(texts.notna(), "")

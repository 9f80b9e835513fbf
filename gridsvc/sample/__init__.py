"""The sample county: a synthetic county, generated from a seed and written as its GIS office would deliver it."""

from gridsvc.sample.delivery import Delivery, make_sample
from gridsvc.sample.units import COUNTY_CODE, COUNTY_NAME

__all__ = ["COUNTY_CODE", "COUNTY_NAME", "Delivery", "make_sample"]

"""The sample county: a synthetic county, generated from a seed and written as its GIS office would deliver it."""

import datetime as dt

from gridsvc.sample.delivery import Delivery, make_sample
from gridsvc.sample.units import COUNTY_CODE, COUNTY_NAME

AS_OF = dt.date(2026, 11, 20)
"""The day that the delivery is of."""

__all__ = ["AS_OF", "COUNTY_CODE", "COUNTY_NAME", "Delivery", "make_sample"]

"""Who answers for what: roads as people name them, duties by date, assets and the roads they belong to."""

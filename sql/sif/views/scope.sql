-- One row: the school year, its first and last day (1 July to 30 June), and the settings.
-- Reads: settings.
SELECT
    y.school_year,
    y.all_schools,
    make_date(y.school_year - 1, 7, 1) AS year_start,
    make_date(y.school_year, 6, 30) AS year_end
FROM settings y

-- One row: the first and the last day of the school year, 1 July to 30 June.
-- Reads: settings.
SELECT
    make_date(y.school_year - 1, 7, 1) AS year_start,
    make_date(y.school_year, 6, 30) AS year_end
FROM settings y

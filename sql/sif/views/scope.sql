-- One row: the school year, its first and last day (1 July to 30 June), and the day that the data
-- are seen from.
-- Reads: settings.
-- Rules: as_of is the setting of that name, or else today; within the school year in any case, so
-- that a past year is seen from its end. A setting that is no date stops the run.
SELECT
    y.school_year,
    y.all_schools,
    make_date(y.school_year - 1, 7, 1) AS year_start,
    make_date(y.school_year, 6, 30) AS year_end,
    least(
        greatest(
            coalesce(CAST(nullif(trim(y.as_of), '') AS DATE), current_date()),
            make_date(y.school_year - 1, 7, 1)
        ),
        make_date(y.school_year, 6, 30)
    ) AS as_of
FROM settings y

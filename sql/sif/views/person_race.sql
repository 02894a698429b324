-- One row per identity with race rows: the races, whether Hispanic is among them, and the least
-- code that has no crosswalk row.
-- Reads: IdentityRaceEthnicity, RaceEthnicity, and the crosswalk race.
-- Rules: code 1 (Hispanic) is an ethnicity, not a race; a race that is not in the list counts as an
-- unmapped code.
WITH detail AS (
    SELECT
        ir.identityID,
        coalesce(trim(r.code), concat('raceID ', ir.raceID)) AS code
    FROM IdentityRaceEthnicity ir
    LEFT JOIN RaceEthnicity r ON r.raceID = ir.raceID
),
mapped AS (
    SELECT DISTINCT
        d.identityID,
        x.sif,
        d.code = '1' AS hispanic,
        CASE WHEN d.code <> '1' AND x.sif IS NULL THEN d.code END AS unmapped_code
    FROM detail d
    LEFT JOIN xwalk_race x ON x.code = d.code
)
SELECT
    identityID,
    array_sort(array_agg(named_struct('Code', sif)) FILTER (WHERE sif IS NOT NULL)) AS races,
    bool_or(hispanic) AS hispanic,
    min(unmapped_code) AS unmapped_code
FROM mapped
GROUP BY identityID

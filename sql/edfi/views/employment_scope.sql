-- One row per employment that overlaps the school year.
-- Reads: Employment, scope.
SELECT
    e.employmentID,
    e.personID,
    e.startDate,
    e.endDate,
    trim(e.type) AS type
FROM scope y
CROSS JOIN Employment e
WHERE (e.startDate IS NULL OR e.startDate <= y.year_end)
    AND (e.endDate IS NULL OR e.endDate >= y.year_start)

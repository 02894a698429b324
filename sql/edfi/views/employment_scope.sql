-- One row per employment that overlaps the school year.
-- Reads: Employment, assignment_scope, SectionStaffHistory, scope.
-- Rules: an employment is the district's: a run of some schools needs those of persons who are
-- assigned there, or teach there; a run of all schools needs all.
SELECT
    e.employmentID,
    e.personID,
    e.startDate,
    e.endDate,
    trim(e.type) AS type
FROM scope y
CROSS JOIN Employment e
LEFT JOIN (
    SELECT personID FROM assignment_scope
    UNION
    SELECT personID FROM SectionStaffHistory
) n ON n.personID = e.personID
WHERE (y.all_schools OR n.personID IS NOT NULL)
    AND (e.startDate IS NULL OR e.startDate <= y.year_end)
    AND (e.endDate IS NULL OR e.endDate >= y.year_start)

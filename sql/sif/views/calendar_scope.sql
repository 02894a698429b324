-- One row per calendar of any year: its school, and whether it is in scope.
-- Reads: scope, Calendar, School.
-- Rules: in scope are calendars of the school year that are excluded neither from everything nor
-- from reporting, of a school that is not excluded. A calendar whose school is missing stays in
-- scope and carries the reason (orphan), so that what hangs on it is rejected and seen.
SELECT
    c.calendarID,
    c.schoolID,
    y.school_year,
    coalesce(c.endYear = y.school_year, false)
        AND c.exclude IS NOT TRUE
        AND c.stateExclude IS NOT TRUE
        AND s.exclude IS NOT TRUE AS in_scope,
    CASE
        WHEN s.schoolID IS NULL THEN concat('orphan_row: Calendar.schoolID=', c.schoolID)
    END AS orphan
FROM scope y
CROSS JOIN Calendar c
LEFT JOIN School s ON s.schoolID = c.schoolID

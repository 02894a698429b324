-- One row per calendar of any year, with whether it is in scope.
-- Reads: Calendar, School, scope.
-- Rules: in scope are calendars of the school year that are not excluded, of a school that is not
-- excluded. schoolId = district id * 1000 + School.number. A calendar whose school is missing stays
-- in scope and carries the reason (orphan), so that what hangs on it is rejected and seen.
SELECT
    c.calendarID,
    c.schoolID,
    c.type,
    y.school_year,
    y.local_education_agency_id * 1000 + try_cast(trim(s.number) AS BIGINT) AS edfi_school_id,
    c.endYear = y.school_year AND c.exclude IS NOT TRUE AND s.exclude IS NOT TRUE AS in_scope,
    CASE
        WHEN s.schoolID IS NULL THEN concat('orphan_row: Calendar.schoolID=', c.schoolID)
    END AS orphan
FROM scope y
CROSS JOIN Calendar c
LEFT JOIN School s ON s.schoolID = c.schoolID

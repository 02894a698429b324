-- One row per school, with whether it is in scope.
-- Reads: School, calendar_scope, scope.
-- Rules: a school is in scope when one of its calendars is.
SELECT
    s.schoolID,
    y.local_education_agency_id * 1000 + try_cast(trim(s.number) AS BIGINT) AS edfi_school_id,
    c.schoolID IS NOT NULL AS in_scope
FROM scope y
CROSS JOIN School s
LEFT JOIN (SELECT DISTINCT schoolID FROM calendar_scope WHERE in_scope) c
    ON c.schoolID = s.schoolID

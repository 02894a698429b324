-- One row per school, with whether it is in scope.
-- Reads: school_id, calendar_scope.
-- Rules: a school is in scope when one of its calendars is.
SELECT
    s.schoolID,
    s.edfi_school_id,
    c.schoolID IS NOT NULL AS in_scope
FROM school_id s
LEFT JOIN (SELECT DISTINCT schoolID FROM calendar_scope WHERE in_scope) c
    ON c.schoolID = s.schoolID

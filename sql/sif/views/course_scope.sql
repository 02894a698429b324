-- One row per course of any year, with whether it is in scope.
-- Reads: Course, calendar_scope.
-- Rules: in scope are active courses, of calendars in scope, that are not excluded from reporting.
SELECT
    co.courseID,
    co.calendarID,
    co.departmentID,
    trim(co.number) AS course_number,
    trim(co.name) AS title,
    nullif(trim(co.stateCode), '') AS state_code,
    nullif(trim(co.scedCode), '') AS sced_code,
    c.schoolID,
    c.school_year,
    co.active IS TRUE
        AND co.stateReportExclude IS NOT TRUE
        AND c.in_scope IS NOT FALSE AS in_scope,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Course.calendarID=', co.calendarID)
        ELSE c.orphan
    END AS orphan
FROM Course co
LEFT JOIN calendar_scope c ON c.calendarID = co.calendarID

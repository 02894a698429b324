-- One row per course of any year, with whether it is in scope.
-- Reads: Course, calendar_scope.
-- Rules: in scope are active courses of calendars in scope.
SELECT
    co.courseID,
    co.calendarID,
    trim(co.number) AS course_number,
    trim(co.name) AS title,
    co.homeroom IS TRUE AS homeroom,
    c.schoolID,
    c.edfi_school_id,
    co.active IS TRUE AND c.in_scope IS NOT FALSE AS in_scope,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Course.calendarID=', co.calendarID)
        ELSE c.orphan
    END AS orphan
FROM Course co
LEFT JOIN calendar_scope c ON c.calendarID = co.calendarID

-- One row per absence or lateness in a calendar in scope, with its code.
-- Reads: Attendance, AttendanceExcuse, calendar_scope, period_name.
-- Rules: an excuse's status and kind go before those of the row. What no excuse is given for has a
-- code of its own per calendar, status and kind. A missing calendar keeps the row, to be rejected
-- and seen.
SELECT
    a.attendanceID,
    a.calendarID,
    a.personID,
    a.periodID,
    a.date,
    a.excuseID,
    c.schoolID,
    c.school_year,
    p.period_name,
    p.seq,
    p.startTime,
    coalesce(p.minutes, 0) - coalesce(a.presentMinutes, 0) AS minutes,
    coalesce(nullif(trim(x.status), ''), trim(a.status)) AS status,
    coalesce(nullif(trim(x.excuse), ''), nullif(trim(a.excuse), ''), '(none)') AS kind,
    CASE
        WHEN x.excuseID IS NOT NULL THEN trim(x.code)
        ELSE concat(trim(a.status), trim(a.excuse))
    END AS code,
    CASE
        WHEN x.excuseID IS NOT NULL AND trim(x.status) <> '' AND trim(x.excuse) <> ''
            THEN concat('excuse/', x.excuseID)
        WHEN x.excuseID IS NOT NULL
            THEN concat('excuse/', x.excuseID, '/', trim(a.status), '/', trim(a.excuse))
        ELSE concat('calendar/', a.calendarID, '/', trim(a.status), '/', trim(a.excuse))
    END AS code_key,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Attendance.calendarID=', a.calendarID)
        WHEN c.orphan IS NOT NULL THEN c.orphan
        WHEN a.excuseID IS NOT NULL AND x.excuseID IS NULL
            THEN concat('orphan_row: Attendance.excuseID=', a.excuseID)
        WHEN p.periodID IS NULL THEN concat('orphan_row: Attendance.periodID=', a.periodID)
    END AS orphan
FROM Attendance a
LEFT JOIN calendar_scope c ON c.calendarID = a.calendarID
LEFT JOIN AttendanceExcuse x ON x.excuseID = a.excuseID
LEFT JOIN period_name p ON p.periodID = a.periodID
WHERE c.in_scope IS NOT FALSE

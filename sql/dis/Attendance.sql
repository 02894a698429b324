-- One row per student, date and period with an absence, below the enrollment of that date.
-- Reads: Attendance, AttendanceExcuse, enrollment_scope, calendar_scope.
-- Rules: the excuse's status and kind go before those of the row. An event that no enrollment
-- covers is left out.
WITH enrolled AS (
    SELECT
        a.attendanceID,
        e.enrollmentID,
        row_number() OVER (
            PARTITION BY a.attendanceID
            ORDER BY e.service_type = 'P' DESC, e.startDate DESC, e.enrollmentID DESC
        ) AS place
    FROM Attendance a
    JOIN enrollment_scope e ON e.personID = a.personID AND e.calendarID = a.calendarID
    WHERE e.in_scope
        AND e.skip IS NULL
        AND a.date >= e.startDate
        AND (e.endDate IS NULL OR a.date <= e.endDate)
)
SELECT
    a.attendanceID,
    trim(x.code) AS code,
    a.date,
    named_struct('enrollmentID', e.enrollmentID) AS enrollment,
    trim(coalesce(x.excuse, a.excuse)) AS excuse,
    a.periodID,
    a.presentMinutes,
    trim(coalesce(x.status, a.status)) AS status,
    'Attendance' AS _source_table,
    CAST(a.attendanceID AS VARCHAR) AS _source_key,
    c.schoolID AS _school_id,
    a.personID AS _person_id,
    CASE WHEN e.enrollmentID IS NULL THEN 'not_enrolled' END AS _skip,
    CASE
        WHEN c.calendarID IS NULL THEN concat('orphan_row: Attendance.calendarID=', a.calendarID)
        ELSE c.orphan
    END AS _reject
FROM Attendance a
LEFT JOIN calendar_scope c ON c.calendarID = a.calendarID
LEFT JOIN AttendanceExcuse x ON x.excuseID = a.excuseID
LEFT JOIN enrolled e ON e.attendanceID = a.attendanceID AND e.place = 1
WHERE c.in_scope IS NOT FALSE

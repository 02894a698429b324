-- One row per student, school and date with an absence or lateness.
-- Reads: attendance_scope, Person.
-- Rules: the code of the day is that of its gravest event: an absence before all others, then the
-- most minutes, then the first period.
WITH days AS (
    SELECT
        personID,
        schoolID,
        school_year,
        date,
        min(attendanceID) AS attendanceID,
        first_value(code_key ORDER BY
            CASE WHEN status = 'A' THEN 0 ELSE 1 END, minutes DESC, seq NULLS LAST, attendanceID
        ) AS code_key,
        min(orphan) AS orphan
    FROM attendance_scope
    WHERE orphan IS NULL OR schoolID IS NOT NULL
    GROUP BY personID, schoolID, school_year, date
)
SELECT
    ref_id('StudentDailyAttendance', d.personID, d.schoolID, d.date) AS RefId,
    ref_id('StudentPersonal', d.personID) AS StudentPersonalRefId,
    ref_id('SchoolInfo', d.schoolID) AS SchoolInfoRefId,
    d.date AS Date,
    d.school_year AS SchoolYear,
    ref_id('AttendanceCodeInfo', d.code_key) AS AttendanceCodeInfoRefId,
    'Attendance' AS _source_table,
    CAST(d.attendanceID AS VARCHAR) AS _source_key,
    d.schoolID AS _school_id,
    d.personID AS _person_id,
    CASE
        WHEN d.orphan IS NOT NULL THEN d.orphan
        WHEN p.personID IS NULL THEN concat('orphan_row: Attendance.personID=', d.personID)
    END AS _reject
FROM days d
LEFT JOIN Person p ON p.personID = d.personID

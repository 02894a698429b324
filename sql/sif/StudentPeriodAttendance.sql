-- One row per absence or lateness in a period.
-- Reads: attendance_scope, Person, Roster, section_scope, SectionPlacement, Term.
-- Rules: the section is the one of the student's roster that meets in that period on that date; the
-- least sectionID of several. Without one there is nothing to say in SIF: skipped as no_section. The
-- SIS does not know who took attendance when: the period's begin and the user SIS stand for them.
WITH met AS (
    SELECT
        a.attendanceID,
        min(s.sectionID) AS sectionID
    FROM attendance_scope a
    JOIN Roster r ON r.personID = a.personID
    JOIN section_scope s ON s.sectionID = r.sectionID AND s.trialID = r.trialID
        AND s.calendarID = a.calendarID
    JOIN SectionPlacement p ON p.sectionID = s.sectionID AND p.trialID = s.trialID
        AND p.periodID = a.periodID
    JOIN Term t ON t.termID = p.termID
    WHERE s.in_scope
        AND a.date BETWEEN t.startDate AND t.endDate
        AND (r.startDate IS NULL OR r.startDate <= a.date)
        AND (r.endDate IS NULL OR r.endDate >= a.date)
    GROUP BY a.attendanceID
)
SELECT
    ref_id('StudentPeriodAttendance', a.attendanceID) AS RefId,
    ref_id('StudentPersonal', a.personID) AS StudentPersonalRefId,
    ref_id('SectionInfo', m.sectionID) AS SectionInfoRefId,
    ref_id('SchoolInfo', a.schoolID) AS SchoolInfoRefId,
    a.date AS Date,
    a.period_name AS TimetablePeriod,
    named_struct(
        'AttendanceCodeInfoRefId', ref_id('AttendanceCodeInfo', a.code_key),
        'value', a.code
    ) AS AttendanceCode,
    named_struct(
        'CreationUser', named_struct('Type', 'Other', 'UserId', 'SIS'),
        'CreationDateTime',
            concat(to_char(a.date, '%Y-%m-%d'), 'T', coalesce(CAST(a.startTime AS VARCHAR), '00:00:00'))
    ) AS AuditInfo,
    'Attendance' AS _source_table,
    CAST(a.attendanceID AS VARCHAR) AS _source_key,
    a.schoolID AS _school_id,
    a.personID AS _person_id,
    m.sectionID AS _section_id,
    CASE
        WHEN a.orphan IS NULL AND p.personID IS NOT NULL AND m.sectionID IS NULL THEN 'no_section'
    END AS _skip,
    CASE
        WHEN a.orphan IS NOT NULL THEN a.orphan
        WHEN p.personID IS NULL THEN concat('orphan_row: Attendance.personID=', a.personID)
    END AS _reject
FROM attendance_scope a
LEFT JOIN Person p ON p.personID = a.personID
LEFT JOIN met m ON m.attendanceID = a.attendanceID

-- One row per enrollment in a calendar in scope.
-- Reads: enrollment_scope, Person, grade_level, and the crosswalks entry_type and exit_type.
-- Rules: no-show and state-excluded enrollments are skipped with that reason. The exit type is sent
-- with an exit date only. TimeFrame is seen from the day as_of.
SELECT
    ref_id('StudentSchoolEnrollment', e.enrollmentID) AS RefId,
    ref_id('StudentPersonal', e.personID) AS StudentPersonalRefId,
    ref_id('SchoolInfo', e.schoolID) AS SchoolInfoRefId,
    CASE
        WHEN e.summer THEN 'Summer'
        WHEN e.service_type = 'P' THEN 'Home'
        ELSE 'Concurrent'
    END AS MembershipType,
    e.time_frame AS TimeFrame,
    e.school_year AS SchoolYear,
    e.startDate AS EntryDate,
    CASE WHEN en.sif IS NOT NULL THEN named_struct('Code', en.sif) END AS EntryType,
    CASE WHEN g.sif IS NOT NULL THEN named_struct('Code', g.sif) END AS GradeLevel,
    named_struct(
        'SIF_RefObject', 'CalendarSummary',
        'value', ref_id('CalendarSummary', e.calendarID)
    ) AS Calendar,
    e.endDate AS ExitDate,
    CASE WHEN e.endDate IS NOT NULL AND ex.sif IS NOT NULL THEN
        named_struct('Code', ex.sif)
    END AS ExitType,
    CAST(e.percentEnrolled AS DECIMAL(5, 2)) / 100 AS FTE,
    CASE WHEN e.percentEnrolled >= 100 THEN 'FullTime'
        WHEN e.percentEnrolled > 0 THEN 'PartTime' END AS FTPTStatus,
    'Enrollment' AS _source_table,
    CAST(e.enrollmentID AS VARCHAR) AS _source_key,
    e.schoolID AS _school_id,
    e.personID AS _person_id,
    CASE
        WHEN e.no_show THEN 'no_show'
        WHEN e.state_exclude THEN 'state_exclude'
    END AS _skip,
    CASE
        WHEN e.orphan IS NOT NULL THEN e.orphan
        WHEN p.personID IS NULL THEN concat('orphan_row: Enrollment.personID=', e.personID)
    END AS _reject,
    concat_ws('; ',
        unmapped('grade_level', e.grade, g.sif),
        unmapped('entry_type', e.start_status, en.sif),
        unmapped('exit_type', CASE WHEN e.endDate IS NOT NULL THEN e.end_status END, ex.sif)
    ) AS _unmapped
FROM enrollment_scope e
LEFT JOIN Person p ON p.personID = e.personID
LEFT JOIN grade_level g ON g.code = lpad(e.grade, greatest(2, character_length(e.grade)), '0')
LEFT JOIN xwalk_entry_type en ON en.code = e.start_status
LEFT JOIN xwalk_exit_type ex ON ex.code = e.end_status

-- One row per enrollment in a calendar in scope.
-- Reads: enrollment_scope, structure_scope, person_id, grade_level, and the crosswalks
-- entry_type and exit_type.
-- Rules: no-show and state-excluded enrollments are skipped with that reason. The exit type is sent
-- with an exit date only.
SELECT
    CASE WHEN st.structureID IS NOT NULL THEN
        named_struct(
            'calendarCode', st.calendar_code,
            'schoolId', st.edfi_school_id,
            'schoolYear', e.school_year
        )
    END AS calendarReference,
    e.startDate AS entryDate,
    g.descriptor AS entryGradeLevelDescriptor,
    en.descriptor AS entryTypeDescriptor,
    e.endDate AS exitWithdrawDate,
    CASE WHEN e.endDate IS NOT NULL THEN ex.descriptor END AS exitWithdrawTypeDescriptor,
    e.service_type = 'P' AS primarySchool,
    named_struct('schoolId', e.edfi_school_id) AS schoolReference,
    named_struct('schoolYear', e.school_year) AS schoolYearTypeReference,
    named_struct('studentUniqueId', i.student_unique_id) AS studentReference,
    'Enrollment' AS _source_table,
    CAST(e.enrollmentID AS VARCHAR) AS _source_key,
    e.schoolID AS _school_id,
    e.personID AS _person_id,
    CASE
        WHEN e.no_show THEN 'no_show'
        WHEN e.state_exclude THEN 'state_exclude'
        WHEN i.personID IS NOT NULL AND i.student_unique_id IS NULL THEN 'no_edfi_id'
    END AS _skip,
    CASE
        WHEN e.orphan IS NOT NULL THEN e.orphan
        WHEN i.personID IS NULL THEN concat('orphan_row: Enrollment.personID=', e.personID)
        WHEN e.structureID IS NOT NULL AND st.structureID IS NULL
            THEN concat('orphan_row: Enrollment.structureID=', e.structureID)
    END AS _reject,
    concat_ws('; ',
        unmapped('grade_level', e.grade, g.descriptor),
        unmapped('entry_type', e.start_status, en.descriptor),
        unmapped('exit_type',
            CASE WHEN e.endDate IS NOT NULL THEN e.end_status END, ex.descriptor)
    ) AS _unmapped
FROM enrollment_scope e
LEFT JOIN structure_scope st ON st.structureID = e.structureID
LEFT JOIN person_id i ON i.personID = e.personID
LEFT JOIN grade_level g ON g.code = lpad(e.grade, greatest(2, character_length(e.grade)), '0')
LEFT JOIN xwalk_entry_type en ON en.code = e.start_status
LEFT JOIN xwalk_exit_type ex ON ex.code = e.end_status

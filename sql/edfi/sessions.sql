-- One row per school and term name.
-- Reads: session, and the crosswalks term and grading_period.
-- Rules: terms of one name collapse as the view session says; the name is the school year and the
-- term's name; the grading period is the one of that term.
SELECT
    s.begin_date AS beginDate,
    s.end_date AS endDate,
    CASE WHEN g.descriptor IS NOT NULL THEN
        make_array(named_struct('gradingPeriodReference', named_struct(
            'gradingPeriodDescriptor', g.descriptor,
            'gradingPeriodName', s.term_name,
            'schoolId', s.edfi_school_id,
            'schoolYear', s.school_year
        )))
    END AS gradingPeriods,
    named_struct('schoolId', s.edfi_school_id) AS schoolReference,
    named_struct('schoolYear', s.school_year) AS schoolYearTypeReference,
    s.session_name AS sessionName,
    t.descriptor AS termDescriptor,
    s.instructional_days AS totalInstructionalDays,
    'Term' AS _source_table,
    CAST(s.termID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    s.orphan AS _reject,
    concat_ws('; ',
        unmapped('term', s.term_name, t.descriptor),
        unmapped('grading_period', s.term_name, g.descriptor)
    ) AS _unmapped
FROM session s
LEFT JOIN xwalk_term t ON t.code = s.term_name
LEFT JOIN xwalk_grading_period g ON g.code = s.term_name

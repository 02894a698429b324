-- One row per school and term name.
-- Reads: session, and the crosswalk grading_period.
-- Rules: terms of one name collapse as the view session says; the lowest termID names the source.
SELECT
    s.begin_date AS beginDate,
    s.end_date AS endDate,
    g.descriptor AS gradingPeriodDescriptor,
    s.term_name AS gradingPeriodName,
    s.sequence AS periodSequence,
    named_struct('schoolId', s.edfi_school_id) AS schoolReference,
    named_struct('schoolYear', s.school_year) AS schoolYearTypeReference,
    s.instructional_days AS totalInstructionalDays,
    'Term' AS _source_table,
    CAST(s.termID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    s.orphan AS _reject,
    unmapped('grading_period', s.term_name, g.descriptor) AS _unmapped
FROM session s
LEFT JOIN xwalk_grading_period g ON g.code = s.term_name

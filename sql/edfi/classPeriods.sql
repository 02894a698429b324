-- One row per period of a structure in scope.
-- Reads: class_period.
-- Rules: the name as the view class_period says.
SELECT
    p.class_period_name AS classPeriodName,
    CASE WHEN p.startTime IS NOT NULL AND p.endTime IS NOT NULL THEN
        make_array(named_struct('endTime', p.endTime, 'startTime', p.startTime))
    END AS meetingTimes,
    named_struct('schoolId', p.edfi_school_id) AS schoolReference,
    'Period' AS _source_table,
    CAST(p.periodID AS VARCHAR) AS _source_key,
    p.schoolID AS _school_id,
    p.orphan AS _reject
FROM class_period p
WHERE p.in_scope

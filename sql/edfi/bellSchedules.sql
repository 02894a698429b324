-- One row per period schedule of a structure in scope.
-- Reads: PeriodSchedule, structure_scope, class_period, Day.
-- Rules: name = the schedule's, and - structure where the calendar has several; dates are the
-- instructional days that follow the schedule.
WITH period AS (
    SELECT
        periodScheduleID,
        array_sort(array_agg(named_struct('classPeriodReference', named_struct(
            'classPeriodName', class_period_name,
            'schoolId', edfi_school_id
        )))) AS periods
    FROM class_period
    WHERE in_scope
    GROUP BY periodScheduleID
),
day AS (
    SELECT periodScheduleID, array_sort(array_agg(named_struct('date', date))) AS dates
    FROM (SELECT DISTINCT periodScheduleID, date FROM Day WHERE instruction IS TRUE)
    GROUP BY periodScheduleID
)
SELECT
    trim(ps.name) || coalesce(st.name_suffix, '') AS bellScheduleName,
    p.periods AS classPeriods,
    d.dates AS dates,
    named_struct('schoolId', st.edfi_school_id) AS schoolReference,
    'PeriodSchedule' AS _source_table,
    CAST(ps.periodScheduleID AS VARCHAR) AS _source_key,
    st.schoolID AS _school_id,
    CASE
        WHEN st.structureID IS NULL
            THEN concat('orphan_row: PeriodSchedule.structureID=', ps.structureID)
        ELSE st.orphan
    END AS _reject
FROM PeriodSchedule ps
LEFT JOIN structure_scope st ON st.structureID = ps.structureID
LEFT JOIN period p ON p.periodScheduleID = ps.periodScheduleID
LEFT JOIN day d ON d.periodScheduleID = ps.periodScheduleID
WHERE st.in_scope IS NOT FALSE

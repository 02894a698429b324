-- One row per period of any year: its name at the school, and whether it is in scope.
-- Reads: Period, PeriodSchedule, structure_scope.
-- Rules: name = period - schedule, and - structure where the calendar has several structures.
SELECT
    p.periodID,
    p.periodScheduleID,
    p.startTime,
    p.endTime,
    st.schoolID,
    st.edfi_school_id,
    trim(p.name) || ' - ' || trim(ps.name) || st.name_suffix AS class_period_name,
    coalesce(st.in_scope, true) AS in_scope,
    CASE
        WHEN ps.periodScheduleID IS NULL
            THEN concat('orphan_row: Period.periodScheduleID=', p.periodScheduleID)
        WHEN st.structureID IS NULL
            THEN concat('orphan_row: PeriodSchedule.structureID=', ps.structureID)
        ELSE st.orphan
    END AS orphan
FROM Period p
LEFT JOIN PeriodSchedule ps ON ps.periodScheduleID = p.periodScheduleID
LEFT JOIN structure_scope st ON st.structureID = ps.structureID

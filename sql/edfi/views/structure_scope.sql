-- One row per schedule structure of any year: its school, its calendar code, if it is in scope.
-- Reads: ScheduleStructure, calendar_scope.
-- Rules: calendarCode = calendarID; when the calendar has several structures, it is
-- calendarID-structureID for each of them, and the structure's name is then added to the names of
-- periods and bell schedules.
SELECT
    st.structureID,
    st.calendarID,
    c.schoolID,
    c.edfi_school_id,
    c.school_year,
    CASE
        WHEN n.structures > 1 THEN concat(st.calendarID, '-', st.structureID)
        ELSE CAST(st.calendarID AS VARCHAR)
    END AS calendar_code,
    CASE
        WHEN n.structures > 1
            THEN concat(' - ', coalesce(trim(st.name), CAST(st.structureID AS VARCHAR)))
        ELSE ''
    END AS name_suffix,
    coalesce(c.in_scope, true) AS in_scope,
    CASE
        WHEN c.calendarID IS NULL
            THEN concat('orphan_row: ScheduleStructure.calendarID=', st.calendarID)
        ELSE c.orphan
    END AS orphan
FROM ScheduleStructure st
LEFT JOIN calendar_scope c ON c.calendarID = st.calendarID
LEFT JOIN (
    SELECT calendarID, count(*) AS structures FROM ScheduleStructure GROUP BY calendarID
) n ON n.calendarID = st.calendarID

-- One row per excuse of a calendar in scope, and per status and kind that attendance has without
-- one.
-- Reads: attendance_scope, AttendanceExcuse, calendar_scope, and the crosswalks attendance_type and
-- attendance_status.
WITH codes AS (
    SELECT
        concat('excuse/', x.excuseID) AS code_key,
        trim(x.code) AS code,
        nullif(trim(x.description), '') AS description,
        trim(x.status) AS status,
        trim(x.excuse) AS kind,
        c.schoolID,
        'AttendanceExcuse' AS source_table,
        CAST(x.excuseID AS VARCHAR) AS source_key,
        CASE
            WHEN c.calendarID IS NULL
                THEN concat('orphan_row: AttendanceExcuse.calendarID=', x.calendarID)
            ELSE c.orphan
        END AS orphan
    FROM AttendanceExcuse x
    LEFT JOIN calendar_scope c ON c.calendarID = x.calendarID
    WHERE c.in_scope IS NOT FALSE AND trim(x.status) <> '' AND trim(x.excuse) <> ''
    UNION ALL
    SELECT
        a.code_key,
        min(a.code) AS code,
        NULL AS description,
        min(a.status) AS status,
        min(a.kind) AS kind,
        min(a.schoolID) AS schoolID,
        'Attendance' AS source_table,
        CAST(min(a.attendanceID) AS VARCHAR) AS source_key,
        NULL AS orphan
    FROM attendance_scope a
    LEFT JOIN AttendanceExcuse x ON x.excuseID = a.excuseID
    WHERE a.orphan IS NULL
        AND (x.excuseID IS NULL OR trim(x.status) IS NULL OR trim(x.status) = ''
            OR trim(x.excuse) IS NULL OR trim(x.excuse) = '')
    GROUP BY a.code_key
)
SELECT
    ref_id('AttendanceCodeInfo', k.code_key) AS RefId,
    ref_id('SchoolInfo', k.schoolID) AS SchoolInfoRefId,
    k.code AS AttendanceCode,
    t.sif AS AttendanceType,
    s.sif AS AttendanceStatus,
    k.description AS Description,
    'Yes' AS UsedForDailyAttendance,
    'Yes' AS UsedForPeriodAttendance,
    k.source_table AS _source_table,
    k.source_key AS _source_key,
    k.schoolID AS _school_id,
    k.orphan AS _reject,
    concat_ws('; ',
        unmapped('attendance_type', k.status, t.sif),
        unmapped('attendance_status', k.kind, s.sif)
    ) AS _unmapped
FROM codes k
LEFT JOIN xwalk_attendance_type t ON t.code = k.status
LEFT JOIN xwalk_attendance_status s ON s.code = k.kind

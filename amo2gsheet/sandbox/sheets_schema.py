"""The shapes of Sheets v4 bodies that the stand-in understands, and a check of a body against them.

One entry per type, `name=type`: `[X]` is a list, `{X}` an object of any names, `any` is not looked into.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from amo2gsheet.sandbox.sheets_errors import ApiError, bad_field

# From Google's discovery document of sheets.v4 (revision 20261019), without charts, pivots, comments, data sources.
_TYPES = """
BatchUpdateSpreadsheetRequest: commentsViewMode=str includeSpreadsheetInResponse=bool requests=[Request]
  responseIncludeGridData=bool responseRanges=[str]
Spreadsheet: comments=any commentsViewMode=str dataSourceSchedules=[any] dataSources=[any]
  developerMetadata=[DeveloperMetadata] namedRanges=[NamedRange] properties=SpreadsheetProperties sheets=[Sheet]
  spreadsheetId=str spreadsheetUrl=str
ValueRange: majorDimension=str range=str values=[[any]]
BatchUpdateValuesRequest: data=[ValueRange] includeValuesInResponse=bool responseDateTimeRenderOption=str
  responseValueRenderOption=str valueInputOption=str
BatchClearValuesRequest: ranges=[str]
BatchGetValuesByDataFilterRequest: dataFilters=[DataFilter] dateTimeRenderOption=str majorDimension=str
  valueRenderOption=str
BatchUpdateValuesByDataFilterRequest: data=[DataFilterValueRange] includeValuesInResponse=bool
  responseDateTimeRenderOption=str responseValueRenderOption=str valueInputOption=str
BatchClearValuesByDataFilterRequest: dataFilters=[DataFilter]
GetSpreadsheetByDataFilterRequest: commentsViewMode=str dataFilters=[DataFilter] excludeTablesInBandedRanges=bool
  includeGridData=bool
SearchDeveloperMetadataRequest: dataFilters=[DataFilter]
Request: addConditionalFormatRule=AddConditionalFormatRuleRequest addFilterView=AddFilterViewRequest
  addNamedRange=AddNamedRangeRequest addProtectedRange=AddProtectedRangeRequest addSheet=AddSheetRequest
  appendCells=AppendCellsRequest appendDimension=AppendDimensionRequest
  autoResizeDimensions=AutoResizeDimensionsRequest clearBasicFilter=ClearBasicFilterRequest
  copyPaste=CopyPasteRequest createDeveloperMetadata=CreateDeveloperMetadataRequest cutPaste=CutPasteRequest
  deleteConditionalFormatRule=DeleteConditionalFormatRuleRequest
  deleteDeveloperMetadata=DeleteDeveloperMetadataRequest deleteDimension=DeleteDimensionRequest
  deleteFilterView=DeleteFilterViewRequest deleteNamedRange=DeleteNamedRangeRequest
  deleteProtectedRange=DeleteProtectedRangeRequest deleteRange=DeleteRangeRequest deleteSheet=DeleteSheetRequest
  duplicateSheet=DuplicateSheetRequest findReplace=FindReplaceRequest insertDimension=InsertDimensionRequest
  insertRange=InsertRangeRequest mergeCells=MergeCellsRequest moveDimension=MoveDimensionRequest
  repeatCell=RepeatCellRequest setBasicFilter=SetBasicFilterRequest setDataValidation=SetDataValidationRequest
  sortRange=SortRangeRequest unmergeCells=UnmergeCellsRequest updateCells=UpdateCellsRequest
  updateConditionalFormatRule=UpdateConditionalFormatRuleRequest
  updateDeveloperMetadata=UpdateDeveloperMetadataRequest updateDimensionProperties=UpdateDimensionPropertiesRequest
  updateProtectedRange=UpdateProtectedRangeRequest updateSheetProperties=UpdateSheetPropertiesRequest
  updateSpreadsheetProperties=UpdateSpreadsheetPropertiesRequest
DeveloperMetadata: location=DeveloperMetadataLocation metadataId=int metadataKey=str metadataValue=str
  visibility=str
NamedRange: name=str namedRangeId=str range=GridRange
SpreadsheetProperties: autoRecalc=str defaultFormat=CellFormat importFunctionsExternalUrlAccessAllowed=bool
  iterativeCalculationSettings=IterativeCalculationSettings locale=str spreadsheetTheme=any timeZone=str title=str
Sheet: bandedRanges=[any] basicFilter=BasicFilter charts=[any] columnGroups=[any] commentAnchors=any
  conditionalFormats=[ConditionalFormatRule] data=[GridData] developerMetadata=[DeveloperMetadata]
  filterViews=[FilterView] merges=[GridRange] properties=SheetProperties protectedRanges=[ProtectedRange]
  rowGroups=[any] slicers=[any] tables=[Table]
DataFilter: a1Range=str developerMetadataLookup=DeveloperMetadataLookup gridRange=GridRange
DataFilterValueRange: dataFilter=DataFilter majorDimension=str values=[[any]]
AddConditionalFormatRuleRequest: index=int rule=ConditionalFormatRule
AddFilterViewRequest: filter=FilterView
AddNamedRangeRequest: namedRange=NamedRange
AddProtectedRangeRequest: protectedRange=ProtectedRange
AddSheetRequest: properties=SheetProperties
AppendCellsRequest: fields=str rows=[RowData] sheetId=int tableId=str
AppendDimensionRequest: dimension=str length=int sheetId=int
AutoResizeDimensionsRequest: dataSourceSheetDimensions=any dimensions=DimensionRange
ClearBasicFilterRequest: sheetId=int
CopyPasteRequest: destination=GridRange pasteOrientation=str pasteType=str source=GridRange
CreateDeveloperMetadataRequest: developerMetadata=DeveloperMetadata
CutPasteRequest: destination=GridCoordinate pasteType=str source=GridRange
DeleteConditionalFormatRuleRequest: index=int sheetId=int
DeleteDeveloperMetadataRequest: dataFilter=DataFilter
DeleteDimensionRequest: range=DimensionRange
DeleteFilterViewRequest: filterId=int
DeleteNamedRangeRequest: namedRangeId=str
DeleteProtectedRangeRequest: protectedRangeId=int
DeleteRangeRequest: range=GridRange shiftDimension=str
DeleteSheetRequest: sheetId=int
DuplicateSheetRequest: insertSheetIndex=int newSheetId=int newSheetName=str sourceSheetId=int
FindReplaceRequest: allSheets=bool find=str includeFormulas=bool matchCase=bool matchEntireCell=bool range=GridRange
  replacement=str searchByRegex=bool sheetId=int
InsertDimensionRequest: inheritFromBefore=bool range=DimensionRange
InsertRangeRequest: range=GridRange shiftDimension=str
MergeCellsRequest: mergeType=str range=GridRange
MoveDimensionRequest: destinationIndex=int source=DimensionRange
RepeatCellRequest: cell=CellData fields=str range=GridRange
SetBasicFilterRequest: filter=BasicFilter
SetDataValidationRequest: filteredRowsIncluded=bool range=GridRange rule=DataValidationRule
SortRangeRequest: range=GridRange sortSpecs=[SortSpec]
UnmergeCellsRequest: range=GridRange
UpdateCellsRequest: fields=str range=GridRange rows=[RowData] start=GridCoordinate
UpdateConditionalFormatRuleRequest: index=int newIndex=int rule=ConditionalFormatRule sheetId=int
UpdateDeveloperMetadataRequest: dataFilters=[DataFilter] developerMetadata=DeveloperMetadata fields=str
UpdateDimensionPropertiesRequest: dataSourceSheetRange=any fields=str properties=DimensionProperties
  range=DimensionRange
UpdateProtectedRangeRequest: fields=str protectedRange=ProtectedRange
UpdateSheetPropertiesRequest: fields=str properties=SheetProperties
UpdateSpreadsheetPropertiesRequest: fields=str properties=SpreadsheetProperties
DeveloperMetadataLocation: dimensionRange=DimensionRange locationType=str sheetId=int spreadsheet=bool
GridRange: endColumnIndex=int endRowIndex=int sheetId=int startColumnIndex=int startRowIndex=int
CellFormat: backgroundColor=Color backgroundColorStyle=ColorStyle borders=Borders horizontalAlignment=str
  hyperlinkDisplayType=str numberFormat=NumberFormat padding=Padding textDirection=str textFormat=TextFormat
  textRotation=TextRotation verticalAlignment=str wrapStrategy=str
IterativeCalculationSettings: convergenceThreshold=num maxIterations=int
BasicFilter: criteria={FilterCriteria} filterSpecs=[FilterSpec] range=GridRange sortSpecs=[SortSpec] tableId=str
ConditionalFormatRule: booleanRule=BooleanRule gradientRule=any ranges=[GridRange]
GridData: columnMetadata=[DimensionProperties] rowData=[RowData] rowMetadata=[DimensionProperties] startColumn=int
  startRow=int
FilterView: criteria={FilterCriteria} filterSpecs=[FilterSpec] filterViewId=int namedRangeId=str range=GridRange
  sortSpecs=[SortSpec] tableId=str title=str
SheetProperties: dataSourceSheetProperties=any gridProperties=GridProperties hidden=bool index=int rightToLeft=bool
  sheetId=int sheetType=str tabColor=Color tabColorStyle=ColorStyle title=str
ProtectedRange: description=str editors=Editors namedRangeId=str protectedRangeId=int range=GridRange
  requestingUserCanEdit=bool tableId=str unprotectedRanges=[GridRange] warningOnly=bool
Table: columnProperties=[TableColumnProperties] name=str range=GridRange rowsProperties=TableRowsProperties
  tableId=str
DeveloperMetadataLookup: locationMatchingStrategy=str locationType=str metadataId=int metadataKey=str
  metadataLocation=DeveloperMetadataLocation metadataValue=str visibility=str
RowData: values=[CellData]
DimensionRange: dimension=str endIndex=int sheetId=int startIndex=int
GridCoordinate: columnIndex=int rowIndex=int sheetId=int
CellData: chipRuns=[ChipRun] dataSourceFormula=any dataSourceTable=any dataValidation=DataValidationRule
  effectiveFormat=CellFormat effectiveValue=ExtendedValue formattedValue=str hyperlink=str note=str pivotTable=any
  textFormatRuns=[TextFormatRun] userEnteredFormat=CellFormat userEnteredValue=ExtendedValue
DataValidationRule: condition=BooleanCondition inputMessage=str showCustomUi=bool strict=bool
SortSpec: backgroundColor=Color backgroundColorStyle=ColorStyle dataSourceColumnReference=DataSourceColumnReference
  dimensionIndex=int foregroundColor=Color foregroundColorStyle=ColorStyle sortOrder=str
Border: color=Color colorStyle=ColorStyle style=str width=int
DimensionProperties: dataSourceColumnReference=DataSourceColumnReference developerMetadata=[DeveloperMetadata]
  hiddenByFilter=bool hiddenByUser=bool pixelSize=int
Color: alpha=num blue=num green=num red=num
ColorStyle: rgbColor=Color themeColor=str
Borders: bottom=Border left=Border right=Border top=Border
NumberFormat: pattern=str type=str
Padding: bottom=int left=int right=int top=int
TextFormat: bold=bool fontFamily=str fontSize=int foregroundColor=Color foregroundColorStyle=ColorStyle italic=bool
  link=Link strikethrough=bool underline=bool
TextRotation: angle=int vertical=bool
FilterCriteria: condition=BooleanCondition hiddenValues=[str] visibleBackgroundColor=Color
  visibleBackgroundColorStyle=ColorStyle visibleForegroundColor=Color visibleForegroundColorStyle=ColorStyle
FilterSpec: columnIndex=int dataSourceColumnReference=DataSourceColumnReference filterCriteria=FilterCriteria
BooleanRule: condition=BooleanCondition format=CellFormat
GridProperties: columnCount=int columnGroupControlAfter=bool frozenColumnCount=int frozenRowCount=int
  hideGridlines=bool rowCount=int rowGroupControlAfter=bool
Editors: domainUsersCanEdit=bool groups=[str] users=[str]
TableColumnProperties: columnIndex=int columnName=str columnType=str
  dataValidationRule=TableColumnDataValidationRule
TableRowsProperties: firstBandColorStyle=ColorStyle footerColorStyle=ColorStyle headerColorStyle=ColorStyle
  secondBandColorStyle=ColorStyle
ChipRun: chip=Chip startIndex=int
ExtendedValue: boolValue=bool errorValue=ErrorValue formulaValue=str numberValue=num stringValue=str
TextFormatRun: format=TextFormat startIndex=int
BooleanCondition: type=str values=[ConditionValue]
DataSourceColumnReference: name=str
Link: uri=str
TableColumnDataValidationRule: condition=BooleanCondition
Chip: personProperties=PersonProperties richLinkProperties=RichLinkProperties
ErrorValue: message=str type=str
ConditionValue: relativeDate=str userEnteredValue=str
PersonProperties: displayFormat=str email=str
RichLinkProperties: mimeType=str uri=str
"""

_OTHERS = """
addBanding addChart addCommentReply addDataSource addDimensionGroup addSlicer addTable autoFill
cancelDataSourceRefresh deleteBanding deleteComment deleteCommentReply deleteDataSource deleteDimensionGroup
deleteDuplicates deleteEmbeddedObject deleteTable duplicateFilterView insertComment pasteData randomizeRange
refreshDataSource textToColumns trimWhitespace updateBanding updateBorders updateChartSpec updateCommentPost
updateDataSource updateDimensionGroup updateEmbeddedObjectBorder updateEmbeddedObjectPosition updateFilterView
updateNamedRange updateSlicerSpec updateTable
"""

OTHER_REQUESTS = frozenset(_OTHERS.split())
"""Kinds of batchUpdate requests that Google knows and the stand-in does not carry out."""

_PYTHON: dict[str, type | tuple[type, ...]] = {"str": str, "int": int, "num": (int, float), "bool": bool}
_PROTO = {"str": "TYPE_STRING", "int": "TYPE_INT32", "num": "TYPE_DOUBLE", "bool": "TYPE_BOOL"}


@cache
def types() -> dict[str, dict[str, str]]:
    """Return type → field → type of the field."""
    table: dict[str, dict[str, str]] = {}
    for line in _TYPES.strip().replace("\n  ", " ").splitlines():
        name, _, fields = line.partition(": ")
        table[name] = dict(field.split("=") for field in fields.split())
    return table


def check(type_name: str, value: Any, path: str = "") -> None:
    """Compare a body with its shape.

    Raises:
        ApiError: an unknown name or a value of another kind, with Google's text and the path to it.
    """
    if value is None or type_name == "any":
        return
    if type_name[0] == "[":
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            check(type_name[1:-1], item, f"{path}[{index}]")
    elif type_name[0] == "{":
        for name, item in value.items():
            check(type_name[1:-1], item, f"{path}[{name}].value")
    elif type_name in _PYTHON:
        _check_scalar(type_name, value, path)
    else:
        _check_object(type_name, value, path)


def _check_scalar(type_name: str, value: Any, path: str) -> None:
    is_right = isinstance(value, _PYTHON[type_name]) and (type_name == "bool" or not isinstance(value, bool))
    if type_name == "int" and is_right:
        is_right = abs(value) < 2**31
    if type_name == "int" and isinstance(value, float):
        is_right = value.is_integer()
    if not is_right:
        raise bad_field(path, f"Invalid value at '{path}' ({_PROTO[type_name]}), {json.dumps(value)}")


def _check_object(type_name: str, value: Any, path: str) -> None:
    if not isinstance(value, dict):
        at = f" at '{path}'" if path else ""
        raise _bad_payload(f'Invalid value{at} (type.googleapis.com/google.apps.sheets.v4.{type_name}), "{value}"')
    fields = types()[type_name]
    for name, item in value.items():
        if name in fields:
            check(fields[name], item, f"{path}.{name}" if path else name)
        elif type_name != "Request" or name not in OTHER_REQUESTS:
            at = f" at '{path}'" if path else ""
            raise _bad_payload(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.', path)


def _bad_payload(message: str, path: str = "") -> ApiError:
    return bad_field(path, message)
